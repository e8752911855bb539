package compat

import (
	"fmt"
	"runtime"
	"strconv"

	"github.com/valyala/fasthttp"

	"mom/server/web"
)

type overviewAnswer struct {
	Service     string            `json:"service"`
	Version     string            `json:"version"`
	Description string            `json:"description"`
	Endpoints   []endpoint        `json:"endpoints"`
	Tasks       []taskType        `json:"task_types"`
	Links       map[string]string `json:"links"`
}

type endpoint struct {
	Path        string `json:"path"`
	Method      string `json:"method"`
	Description string `json:"description"`
}

type taskType struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func overviewOf(routes []web.Route, version string) *overviewAnswer {
	o := &overviewAnswer{
		Service: "mom classification API", Version: version,
		Description: "Categories, jailbreaks, personal data and embeddings of texts",
		Tasks: []taskType{
			{"intent", "Category of a text"},
			{"pii", "Personal data in a text"},
			{"security", "Jailbreaks and injections"},
			{"all", "All of these"},
		},
		Links: map[string]string{
			"openapi_spec": "/openapi.json", "models_info": "/info/models", "classifier_info": "/info/classifier",
			"health": "/health", "ready": "/ready",
		},
	}
	for _, r := range routes {
		o.Endpoints = append(o.Endpoints, endpoint{r.Path, r.Method, r.Summary})
	}
	return o
}

type modelsAnswer struct {
	Models  []modelInfo   `json:"models"`
	Summary modelsSummary `json:"summary"`
	System  systemInfo    `json:"system"`
}

type modelInfo struct {
	Name       string            `json:"name"`
	Type       string            `json:"type"`
	Loaded     bool              `json:"loaded"`
	State      string            `json:"state"`
	Categories []string          `json:"categories,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
}

type modelsSummary struct {
	Ready  bool   `json:"ready"`
	Phase  string `json:"phase"`
	Loaded int    `json:"loaded_models"`
	Total  int    `json:"total_models"`
}

type systemInfo struct {
	Go     string `json:"go_version"`
	Arch   string `json:"architecture"`
	OS     string `json:"os"`
	Memory string `json:"memory_usage"`
	GPU    bool   `json:"gpu_available"`
}

type embeddingModelsAnswer struct {
	Models []modelInfo `json:"models"`
	Count  int         `json:"count"`
}

// vsrType is the protocol's word for a task.
func vsrType(task string) string {
	switch task {
	case "intent":
		return "intent_classification"
	case "pii":
		return "pii_detection"
	case "jailbreak":
		return "security_detection"
	}
	return task
}

func (a *api) modelList(task string) []modelInfo {
	list := []modelInfo{}
	for _, m := range a.Classifier.Models() {
		if task != "" && m.Task != task {
			continue
		}
		meta := map[string]string{"precision": m.Precision, "max_tokens": strconv.Itoa(m.MaxTokens), "window": strconv.Itoa(m.Window)}
		if m.Task == "embedding" {
			meta["dimension"] = strconv.Itoa(m.Hidden)
		}
		if m.Language != "" {
			meta["language"] = m.Language
		}
		list = append(list, modelInfo{Name: m.Name, Type: vsrType(m.Task), Loaded: true, State: "ready", Categories: m.Labels, Metadata: meta})
	}
	return list
}

func (a *api) vsrModels(*fasthttp.RequestCtx) (any, error) {
	list := a.modelList("")
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return &modelsAnswer{
		Models:  list,
		Summary: modelsSummary{Ready: a.Ready() == nil, Phase: a.phase(), Loaded: len(list), Total: len(list)},
		System: systemInfo{
			Go: runtime.Version(), Arch: runtime.GOARCH, OS: runtime.GOOS,
			Memory: fmt.Sprintf("%.2f MB", float64(mem.Sys)/(1<<20)),
		},
	}, nil
}

func (a *api) vsrEmbeddingModels(*fasthttp.RequestCtx) (any, error) {
	list := a.modelList("embedding")
	return &embeddingModelsAnswer{list, len(list)}, nil
}

type classifierAnswer struct {
	Status string           `json:"status"`
	Config classifierConfig `json:"config"`
}

// classifierConfig tells what the classifiers are set to; there is nothing
// secret in it.
type classifierConfig struct {
	Categories     []string         `json:"categories"`
	PIITypes       []string         `json:"pii_types"`
	GuardThreshold float64          `json:"guard_threshold"` // 0: the model's own
	PIIThreshold   float64          `json:"pii_threshold"`   // 0: the model's own
	Decisions      []classifierRule `json:"Decisions"`
}

type classifierRule struct {
	Name string `json:"Name"`
}

func (a *api) vsrClassifier(*fasthttp.RequestCtx) (any, error) {
	c := classifierConfig{
		Categories: []string{}, PIITypes: []string{}, Decisions: []classifierRule{},
		GuardThreshold: a.GuardThreshold, PIIThreshold: a.PIIThreshold,
	}
	if m, ok := a.model("intent"); ok {
		c.Categories = m.Labels
	}
	if m, ok := a.model("pii"); ok {
		c.PIITypes = m.Labels
	}
	if a.Recipes != nil {
		for _, name := range a.Recipes() {
			c.Decisions = append(c.Decisions, classifierRule{name})
		}
	}
	return &classifierAnswer{"config_loaded", c}, nil
}

type startupAnswer struct {
	Ready   bool     `json:"ready"`
	Phase   string   `json:"phase"`
	Message string   `json:"message"`
	Pending []string `json:"pending_models"`
	Loaded  int      `json:"ready_models"`
	Total   int      `json:"total_models"`
}

func (a *api) phase() string {
	if a.Ready() != nil {
		return "stopping"
	}
	return "ready"
}

func (a *api) vsrStartup(*fasthttp.RequestCtx) (any, error) {
	n := len(a.Classifier.Models())
	out := &startupAnswer{Ready: true, Phase: a.phase(), Message: "models are part of the process and are loaded before it listens", Pending: []string{}, Loaded: n, Total: n}
	if err := a.Ready(); err != nil {
		out.Ready, out.Message = false, err.Error()
	}
	return out, nil
}
