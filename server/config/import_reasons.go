package config

import (
	"regexp"
	"strings"
)

var indexes = regexp.MustCompile(`\[[0-9]+\]`)

// reasonFor says why a key of v0.3 has no counterpart, or "" where the key is
// not known. The longest entry that the key lies below counts.
func reasonFor(path string) string {
	path = indexes.ReplaceAllString(path, "")
	for {
		if why, ok := reasons[path]; ok {
			return why
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return ""
		}
		path = path[:cut]
	}
}

const (
	noSignal    = "requests are routed by field, price and quality as one classifier sees them; there is no such signal"
	noPlugin    = "there are no plugins of a route"
	noAlgorithm = "there is one way to choose: the cheapest model whose expected quality is near the best"
	noReasoning = "reasoning parameters go to the upstream as the client wrote them"
	noModelFile = "the classifiers are built in"
	noMemory    = "answers use no memory of users and no documents"
	noStore     = "state is in one SQLite file; Redis can share limits, conversations and cached answers"
	noText      = "describes, and changes nothing"
)

// reasons are the keys of v0.3 without a counterpart. An entry holds for all
// keys below it that have no longer one.
var reasons = map[string]string{
	"providers.defaults.default_reasoning_effort":           noReasoning,
	"providers.defaults.reasoning_families":                 noReasoning,
	"providers.models.reasoning_family":                     noReasoning,
	"providers.models.external_model_ids":                   "a model has one name here, and one for each upstream",
	"providers.models.reliability.lb_policy":                "upstreams are chosen by weight",
	"providers.models.reliability.retry_on":                 "failed connections and the statuses of upstreams[].retries.statuses are tried again",
	"providers.models.reliability.max_ejection_percent":     "each replica is judged alone",
	"providers.models.reliability":                          "an upstream has retries, circuit_breaker and health",
	"providers.models.pricing":                              "a model has prices for input, output and cached input",
	"providers.models.backend_refs":                         "an upstream has no such setting",
	"routing.strategy":                                      noAlgorithm,
	"routing.modelCards.param_size":                         noText,
	"routing.modelCards.description":                        noText,
	"routing.modelCards.tags":                               noText,
	"routing.modelCards.modality":                           "chats are text, with images where a model can see",
	"routing.modelCards.loras":                              "an adapter that an upstream serves under a name of its own is a model of its own here",
	"routing.modelCards":                                    "a model has no such setting",
	"routing.signals":                                       noSignal,
	"routing.signals.domains.description":                   noText,
	"routing.signals.domains.model_scores":                  noReasoning,
	"routing.signals.jailbreak":                             "the guard is a classifier, and has no patterns, names or methods",
	"routing.signals.jailbreak.description":                 noText,
	"routing.signals.pii.description":                       noText,
	"routing.signals.pii":                                   "there is one policy for personal data, without a name",
	"routing.signals.language":                              "the classifiers read texts in any language, and do not tell which",
	"routing.signals.context":                               "a model that cannot hold the request is ruled out by models[] context",
	"routing.signals.role_bindings":                         "clients are known by auth.keys, which can list the models that each may use",
	"routing.signals.kb":                                    "there are no knowledge bases",
	"routing.signals.conversation.feature":                  "tools and images of a request rule out the models that cannot use them",
	"routing.projections":                                   "there is nothing to combine: " + noSignal,
	"routing.decisions.name":                                "the models of a field have no name of their own",
	"routing.decisions.description":                         noText,
	"routing.decisions.annotations":                         noText,
	"routing.decisions.tier":                                "a field is decided once",
	"routing.decisions.output_contract":                     "prompts are not changed",
	"routing.decisions.output_contract_spec":                "answers are not changed",
	"routing.decisions.modelRefs":                           noReasoning,
	"routing.decisions.modelRefs.weight":                    "candidates are ordered by price and quality",
	"routing.decisions.modelRefs.lora_name":                 "an adapter that an upstream serves under a name of its own is a model of its own here",
	"routing.decisions.candidateIterations":                 noAlgorithm,
	"routing.decisions.algorithm":                           noAlgorithm,
	"routing.decisions.adaptations":                         "decisions depend on the request alone; nothing is learned while serving",
	"routing.decisions.emits":                               "conversations stay with their model by the policy's session",
	"routing.decisions.plugins":                             noPlugin,
	"routing.decisions":                                     "here a request is routed by its field, by price and by quality",
	"entrypoints":                                           "clients ask for a recipe by its name",
	"recipes.description":                                   noText,
	"recipes":                                               "only decisions by field have a counterpart",
	"global.router.config_source":                           "the configuration is one file",
	"global.router.strategy":                                noAlgorithm,
	"global.router.include_config_models_in_list":           "/v1/models always lists recipes and models",
	"global.router.clear_route_cache":                       "there is no Envoy whose routes are cached",
	"global.router.streamed_body":                           "limits.body and timeouts.read hold for every request",
	"global.router.skip_processing":                         "a client skips routing by naming a model",
	"global.router.model_selection":                         noAlgorithm,
	"global.router.learning":                                "decisions depend on the request alone; nothing is learned while serving",
	"global.router.learning.protection":                     "conversations stay with their model by the policy's session",
	"global.router.learning.state_store":                    noStore,
	"global.services.api":                                   "limits hold for all requests alike",
	"global.services.response_api":                          "answers of /v1/responses are not stored here",
	"global.services.observability.tracing":                 "traceparent is passed on; no spans are exported",
	"global.services.observability.metrics":                 "metrics are those of the admin listener",
	"global.services.authz":                                 "clients are known by auth.keys; headers of identity are not trusted",
	"global.services.ratelimit":                             "limits are those of each key: auth.keys[] requests_per_minute and tokens_per_minute",
	"global.services.management_api":                        "the admin listener has no roles, since nothing can be changed through it",
	"global.services.startup_status":                        "readiness is /ready of the admin listener",
	"global.services.router_replay":                         noStore,
	"global.stores.response_cache":                          "cached answers are in memory, or in Redis where it is configured",
	"global.stores.memory":                                  noMemory,
	"global.stores.vector_store":                            noMemory,
	"global.integrations.tools":                             "the tools of a request go to the upstream as they are",
	"global.integrations.looper":                            "a request is answered by one model",
	"global.model_catalog":                                  noModelFile,
	"global.model_catalog.external":                         "no other model is asked to route a request",
	"global.model_catalog.kbs":                              "there are no knowledge bases",
	"global.model_catalog.modules.prompt_compression":       "every text is read whole, in windows",
	"global.model_catalog.modules.prompt_guard.on_error":    "a classifier that fails ends the request with an error",
	"global.model_catalog.modules.classifier.mcp":           "no other program is asked to route a request",
	"global.model_catalog.modules.classifier.preference":    noSignal,
	"global.model_catalog.modules.complexity":               noSignal,
	"global.model_catalog.modules.hallucination_mitigation": "answers are not checked for facts; response_guard looks for jailbreaks and personal data",
	"global.model_catalog.modules.feedback_detector":        noSignal,
	"global.model_catalog.modules.modality_detector":        "chats are routed here; requests for images are not",
}
