// Package config is the one YAML file of the server: what it may hold, its
// defaults, its checks, where every value came from, and its reference.
//
// Everything here is read from the structs of this package and of router: a
// field's yaml tag is its key, its doc comment is its description, Default is
// its default. The decoder, the JSON Schema and the reference in docs are made
// from the same walk over those structs, so that they cannot disagree.
package config

import (
	"crypto/sha256"
	"time"

	"mom/router"
)

// A Config is a whole configuration. Parse and Load return one that is complete:
// defaults are filled in, secrets are read, and everything that the file says
// was checked.
type Config struct {
	// Where requests come in: host:port, unix:/path/to/socket, or systemd for
	// the socket that the service manager passes. An empty host is every
	// address of the machine.
	Listen Address `yaml:"listen" json:"listen"`
	// Serve HTTPS; without it the listener speaks plain HTTP.
	TLS TLS `yaml:"tls" json:"tls"`
	// What a request may cost before it is refused.
	Limits Limits `yaml:"limits" json:"limits"`
	// How long things may take on the side of the client.
	Timeouts Timeouts `yaml:"timeouts" json:"timeouts"`
	// Who may call.
	Auth Auth `yaml:"auth" json:"auth"`
	// Small models inside the server that write: they explain decisions, and answer
	// as models do.
	Decoders []Decoder `yaml:"decoders" json:"decoders"`
	// Small models inside the server, one a field, that say how hard a request is.
	Agents Agents `yaml:"agents" json:"agents"`
	// The services that answer for models.
	Upstreams []Upstream `yaml:"upstreams" json:"upstreams"`
	// The models to choose from. A file that lists models replaces the built-in
	// ones.
	Models []Model `yaml:"models" json:"models"`
	// The policy: recipes, security and what else the router reads. Its keys
	// stand at the top of the file. After Parse its Models are those above.
	Policy router.Config `yaml:",inline" json:",inline"`
	// What is read in the answers of upstreams.
	ResponseGuard ResponseGuard `yaml:"response_guard" json:"response_guard"`
	// Where decisions, feedback and usage are kept.
	State State `yaml:"state" json:"state"`
	// Answers that are given again without asking an upstream.
	Cache Cache `yaml:"cache" json:"cache"`
	// Rate limits, conversations and cached answers that several servers share.
	Redis Redis `yaml:"redis" json:"redis"`
	// The second listener: metrics, health, profiles.
	Admin Admin `yaml:"admin" json:"admin"`
	// The page at /, for trying prompts and watching decisions.
	Playground bool `yaml:"playground" json:"playground"`
	// What is written to standard error.
	Log Log `yaml:"log" json:"log"`

	file    string
	sources map[string]Source
	sum     [sha256.Size]byte // of Files when they were read
}

// A Model is a model to choose, with the upstreams that serve it.
type Model struct {
	router.Model `yaml:",inline" json:",inline"`
	// The upstreams that serve the model, by weight. Without any the model can
	// be named by /v1/route but not be asked.
	Upstreams []Ref `yaml:"upstreams" json:"upstreams"`
}

// A Ref says that an upstream serves a model.
type Ref struct {
	// The upstream's name.
	Name string `yaml:"name" json:"name" check:"required"`
	// What the upstream calls the model; empty means the same name as here.
	Model string `yaml:"model" json:"model"`
	// The share of requests beside the other upstreams of the model.
	Weight int `yaml:"weight" json:"weight" check:"min=1,max=1000000" default:"1"`
}

// TLS is the certificate of the listener.
type TLS struct {
	// PEM file with the certificate and its chain; needs key_file.
	CertFile string `yaml:"cert_file" json:"cert_file"`
	// PEM file with the private key; needs cert_file.
	KeyFile string `yaml:"key_file" json:"key_file"`
}

// On reports whether the listener speaks TLS.
func (t TLS) On() bool { return t.CertFile != "" }

// Limits are upper bounds; a request beyond one is refused with an error that
// names it.
type Limits struct {
	// Bytes of a request's body; more is answered 413.
	Body Size `yaml:"body" json:"body" check:"min=1024,max=1073741824"`
	// Bytes of a request's line and headers; more is answered 431.
	Header Size `yaml:"header" json:"header" check:"min=4096,max=1048576"`
	// Nesting of a request's JSON.
	JSONDepth int `yaml:"json_depth" json:"json_depth" check:"min=8,max=512"`
	// Texts of one request that are read: messages, parts and tool results.
	Texts int `yaml:"texts" json:"texts" check:"min=1,max=100000"`
	// Tokens of one request that the classifiers read; more is answered 413.
	Tokens int `yaml:"tokens" json:"tokens" check:"min=16,max=10000000"`
	// Open client connections; more are answered 503 and closed.
	Connections int `yaml:"connections" json:"connections" check:"min=1,max=1000000"`
	// Requests being answered at once; more are answered 429.
	InFlight int `yaml:"in_flight" json:"in_flight" check:"min=1,max=1000000"`
	// How long a request may be expected to wait for the classifiers; when the
	// queue is longer, requests are answered 429 with Retry-After.
	QueueWait time.Duration `yaml:"queue_wait" json:"queue_wait" check:"min=1ms,max=10m"`
}

// Timeouts are those of the client's side; an upstream has its own.
type Timeouts struct {
	// To receive a whole request, from its first byte.
	Read time.Duration `yaml:"read" json:"read" check:"min=100ms,max=1h"`
	// To send an answer, or one event of a stream, to a client that reads slowly.
	Write time.Duration `yaml:"write" json:"write" check:"min=100ms,max=1h"`
	// Until a connection without a request is closed.
	Idle time.Duration `yaml:"idle" json:"idle" check:"min=1s,max=24h"`
	// For a whole request, its stream included; then it is answered 504.
	Request time.Duration `yaml:"request" json:"request" check:"min=1s,max=24h"`
	// For the classifiers to read one request.
	Classify time.Duration `yaml:"classify" json:"classify" check:"min=10ms,max=10m"`
	// For which /ready answers 503 before anything else happens when the server is
	// told to stop, so that a load balancer goes elsewhere first. A part of drain.
	Unready time.Duration `yaml:"unready" json:"unready" check:"min=0s,max=1h"`
	// For requests in flight to end when the server is told to stop.
	Drain time.Duration `yaml:"drain" json:"drain" check:"min=0s,max=24h"`
}

// A Switch is auto, on or off.
type Switch string

const (
	Auto Switch = "auto" // as the situation asks
	On   Switch = "on"   // always
	Off  Switch = "off"  // never
)

// Auth says who may call.
type Auth struct {
	// Whether a key is needed: auto asks for one when listen is beyond this
	// machine (not loopback and not a unix socket).
	Mode Switch `yaml:"mode" json:"mode"`
	// The clients' keys. They are kept as hashes.
	Keys []Key `yaml:"keys" json:"keys"`
}

// A Key is a client. After Parse SHA256 is set, and Key is gone.
type Key struct {
	// The client's name: the tenant in usage, limits and the cache.
	Name string `yaml:"name" json:"name" check:"required"`
	// SHA-256 of the key in hexadecimal, as printed by: printf %s KEY | sha256sum
	SHA256 Digest `yaml:"sha256" json:"sha256"`
	// The key itself, best as ${NAME} of the environment. One of sha256, key
	// and key_file is needed.
	Key Secret `yaml:"key" json:"key"`
	// A file with nothing but the key.
	KeyFile string `yaml:"key_file" json:"key_file"`
	// Requests a minute; 0 means no limit.
	RequestsPerMinute int `yaml:"requests_per_minute" json:"requests_per_minute" check:"min=0"`
	// Tokens a minute, of prompts and answers; 0 means no limit.
	TokensPerMinute int `yaml:"tokens_per_minute" json:"tokens_per_minute" check:"min=0"`
	// Models and recipes that the client may ask for, with * as wildcard; empty means all.
	Models []string `yaml:"models" json:"models"`
}

// A Precision is the format of a decoder's linear layers.
type Precision string

const (
	PrecisionAuto Precision = "auto" // that of the file, or what fits the processor
	PrecisionF32  Precision = "f32"
	PrecisionBF16 Precision = "bf16"
	PrecisionI8   Precision = "int8"
	PrecisionI4   Precision = "int4"
)

// A Decoder is a small model inside the server that writes. Requests can name it
// as their model; recipes choose it only where they list its name.
type Decoder struct {
	// Its name as a model.
	Name string `yaml:"name" json:"name" check:"required"`
	// Its Hugging Face folder (Llama or Qwen3), or a .gguf file.
	Path string `yaml:"path" json:"path" check:"required"`
	// The format of its linear layers.
	Precision Precision `yaml:"precision" json:"precision" default:"auto"`
	// Cores that it may use; 0 means all.
	Threads int `yaml:"threads" json:"threads" check:"min=0,max=1024"`
	// Memory for the keys and values of texts being read and written.
	KVBytes Size `yaml:"kv_bytes" json:"kv_bytes" check:"min=1048576" default:"256MiB"`
	// It explains decisions: POST /v1/route?explain=true. One decoder can.
	Explain bool `yaml:"explain" json:"explain"`
	// How long an explanation may take; then the classifier's category stands.
	TimeLimit time.Duration `yaml:"time_limit" json:"time_limit" check:"min=1ms,max=10m" default:"500ms"`
}

// Agents say how hard requests are, for recipes with agents.
type Agents struct {
	// The folder that holds mom-dec-agent-* and the decoder that they are for; empty
	// for none.
	Path string `yaml:"path" json:"path"`
	// Cores that they may use; 0 means all.
	Threads int `yaml:"threads" json:"threads" check:"min=0,max=1024"`
	// Memory for the keys and values of texts being read.
	KVBytes Size `yaml:"kv_bytes" json:"kv_bytes" check:"min=1048576"`
	// How long they may take; then a request is routed without them.
	TimeLimit time.Duration `yaml:"time_limit" json:"time_limit" check:"min=1ms,max=10m"`
}

// A Kind is the protocol of an upstream.
type Kind string

const (
	OpenAI    Kind = "openai"    // OpenAI's API, as vLLM, llama.cpp, Ollama and most services speak it
	Anthropic Kind = "anthropic" // Anthropic's Messages API
	Local     Kind = "local"     // the decoders of this file, by their names; it has no base_url
)

// An Upstream is a service that answers for models. After Parse Replicas is
// set, and BaseURL is empty.
type Upstream struct {
	// Its name, for models[].upstreams, headers and metrics.
	Name string `yaml:"name" json:"name" check:"required"`
	// Its protocol.
	Kind Kind `yaml:"kind" json:"kind"`
	// Where it is, up to and with the version: https://api.openai.com/v1
	BaseURL string `yaml:"base_url" json:"base_url"`
	// Several places of the same service, instead of base_url.
	Replicas []Replica `yaml:"replicas" json:"replicas"`
	// Its key, best as ${NAME} of the environment: sent as Authorization: Bearer
	// (openai) or x-api-key (anthropic).
	APIKey Secret `yaml:"api_key" json:"api_key"`
	// A file with nothing but the key, instead of api_key.
	APIKeyFile string `yaml:"api_key_file" json:"api_key_file"`
	// Headers that are added to each request. Their values are not shown.
	Headers map[string]Secret `yaml:"headers" json:"headers"`
	// How long it may take.
	Timeouts UpstreamTimeouts `yaml:"timeouts" json:"timeouts"`
	// When a request is tried again. Never after the first byte of an answer.
	Retries Retries `yaml:"retries" json:"retries"`
	// When it is left alone for a while.
	CircuitBreaker CircuitBreaker `yaml:"circuit_breaker" json:"circuit_breaker"`
	// Asking it whether it is well.
	Health Health `yaml:"health" json:"health"`
	// Connections to each replica.
	Connections int `yaml:"connections" json:"connections" check:"min=1,max=100000"`
}

// A Replica is one place of an upstream.
type Replica struct {
	// Where it is, up to and with the version.
	BaseURL string `yaml:"base_url" json:"base_url" check:"required"`
	// Its share of requests.
	Weight int `yaml:"weight" json:"weight" check:"min=1,max=1000000" default:"1"`
}

// UpstreamTimeouts bound an upstream's answers.
type UpstreamTimeouts struct {
	// To connect, TLS included.
	Connect time.Duration `yaml:"connect" json:"connect" check:"min=10ms,max=10m"`
	// Until the first byte of an answer.
	FirstByte time.Duration `yaml:"first_byte" json:"first_byte" check:"min=10ms,max=1h"`
	// Between two events of a stream.
	Idle time.Duration `yaml:"idle" json:"idle" check:"min=10ms,max=1h"`
	// For one whole answer.
	Total time.Duration `yaml:"total" json:"total" check:"min=10ms,max=24h"`
}

// Retries say when a request is tried again at the same upstream.
type Retries struct {
	// How often at most; 0 means never.
	Max int `yaml:"max" json:"max" check:"min=0,max=10"`
	// Before the first retry; it doubles for each further one, with jitter.
	Backoff time.Duration `yaml:"backoff" json:"backoff" check:"min=1ms,max=1m"`
	// Its upper bound; a longer Retry-After of the upstream ends the retries.
	MaxBackoff time.Duration `yaml:"max_backoff" json:"max_backoff" check:"min=1ms,max=10m"`
	// HTTP statuses that are tried again, beside failed connections.
	Statuses []int `yaml:"statuses" json:"statuses" check:"min=400,max=599"`
}

// A CircuitBreaker leaves a replica alone that fails again and again.
type CircuitBreaker struct {
	// Failures in a row that open it; 0 means never.
	Failures int `yaml:"failures" json:"failures" check:"min=0,max=100000"`
	// How long it stays open.
	Open time.Duration `yaml:"open" json:"open" check:"min=100ms,max=1h"`
	// Requests that are let through to try, when that time is over.
	Probes int `yaml:"probes" json:"probes" check:"min=1,max=1000"`
}

// Health is how a replica is asked whether it is well.
type Health struct {
	// Path of a GET on the replica's host, such as /health; empty means not
	// asked, and only failing requests tell. A status below 400 is well.
	Path string `yaml:"path" json:"path"`
	// How often.
	Interval time.Duration `yaml:"interval" json:"interval" check:"min=100ms,max=1h"`
	// How long an answer may take.
	Timeout time.Duration `yaml:"timeout" json:"timeout" check:"min=10ms,max=10m"`
	// Bad answers in a row after which it gets no requests.
	Failures int `yaml:"failures" json:"failures" check:"min=1,max=1000"`
}

// A JailbreakAction is what happens to an answer that the guard takes for a
// jailbreak that worked.
type JailbreakAction string

const (
	JailbreakOff   JailbreakAction = "off"   // answers are not read for it
	JailbreakFlag  JailbreakAction = "flag"  // the answer is passed on, and the decision notes it
	JailbreakBlock JailbreakAction = "block" // the answer is withheld
)

// A PIIAction is what happens to an answer with personal data that the request
// did not hold.
type PIIAction string

const (
	PIIOff   PIIAction = "off"   // answers are not read for it
	PIIFlag  PIIAction = "flag"  // the answer is passed on, and the decision notes it
	PIIMask  PIIAction = "mask"  // the data is replaced by its type
	PIIBlock PIIAction = "block" // the answer is withheld
)

// ResponseGuard says what is read in answers. A request can ask for more by its
// moderation object, never for less.
type ResponseGuard struct {
	// Answers that the guard takes for a jailbreak that worked.
	Jailbreak JailbreakAction `yaml:"jailbreak" json:"jailbreak"`
	// The guard's score from which an answer counts; 0 means the model's own threshold.
	JailbreakThreshold float64 `yaml:"jailbreak_threshold" json:"jailbreak_threshold" check:"min=0,max=1"`
	// Personal data that was not in the request.
	PII PIIAction `yaml:"pii" json:"pii"`
	// The score from which a finding counts; 0 means the model's own threshold.
	PIIThreshold float64 `yaml:"pii_threshold" json:"pii_threshold" check:"min=0,max=1"`
	// Types that count, such as IBAN_CODE; empty means all.
	PIITypes []string `yaml:"pii_types" json:"pii_types"`
}

// State is the store of decisions, feedback and usage. It never holds prompts.
type State struct {
	// SQLite file, :memory: to keep it until the server stops, or off. A relative
	// path is taken from the folder of the configuration.
	Path string `yaml:"path" json:"path" check:"required"`
	// How long an entry is kept.
	Retention time.Duration `yaml:"retention" json:"retention" check:"min=1m,max=3650d"`
	// The oldest entries go when the store is larger.
	MaxSize Size `yaml:"max_size" json:"max_size" check:"min=1048576"`
}

// On reports whether decisions are kept.
func (s State) On() bool { return s.Path != "off" }

// A CacheMode says which requests count as the same.
type CacheMode string

const (
	CacheOff      CacheMode = "off"      // none
	CacheExact    CacheMode = "exact"    // the same request to the letter
	CacheSemantic CacheMode = "semantic" // also one that means the same
)

// Cache holds answers. They are never shared between clients, system prompts,
// models or parameters. See caching.md.
type Cache struct {
	// Which requests count as the same: semantic also compares what the last
	// user message means.
	Mode CacheMode `yaml:"mode" json:"mode"`
	// Cosine similarity from which two requests mean the same. It belongs to the
	// embedding: of the built-in model, questions about two medicines reach 0.979.
	Threshold float64 `yaml:"threshold" json:"threshold" check:"min=0,max=1"`
	// How long an answer is kept.
	TTL time.Duration `yaml:"ttl" json:"ttl" check:"min=1s,max=365d"`
	// Memory for answers and their keys.
	MaxSize Size `yaml:"max_size" json:"max_size" check:"min=65536"`
}

// Failure is what happens to a request while shared state cannot be reached.
type Failure string

const (
	Open   Failure = "open"   // it goes on with this server's own state
	Closed Failure = "closed" // it is answered 503
)

// Redis is where several servers share limits, conversations and answers.
type Redis struct {
	// redis://user:password@host:port/db, or rediss:// for TLS; empty means that
	// this server keeps its own state. Never shown.
	URL Secret `yaml:"url" json:"url"`
	// A file with nothing but the URL, instead of url.
	URLFile string `yaml:"url_file" json:"url_file"`
	// What happens while it cannot be reached.
	OnFailure Failure `yaml:"on_failure" json:"on_failure"`
	// For one command.
	Timeout time.Duration `yaml:"timeout" json:"timeout" check:"min=1ms,max=1m"`
	// What the keys begin with.
	Prefix string `yaml:"prefix" json:"prefix"`
}

// On reports whether Redis is used.
func (r Redis) On() bool { return r.URL != "" }

// Admin is the second listener. It asks for no key, so it belongs on loopback.
type Admin struct {
	// host:port, unix:/path, or off.
	Listen Address `yaml:"listen" json:"listen"`
	// Serve Go's profiles under /debug/pprof/.
	Pprof bool `yaml:"pprof" json:"pprof"`
}

// On reports whether there is an admin listener.
func (a Admin) On() bool { return a.Listen != "off" }

// A LogLevel is the least important line that is written.
type LogLevel string

const (
	Debug LogLevel = "debug"
	Info  LogLevel = "info"
	Warn  LogLevel = "warn"
	Error LogLevel = "error"
)

// A LogFormat is the form of lines.
type LogFormat string

const (
	Text LogFormat = "text"
	JSON LogFormat = "json"
)

// Log is what is written to standard error, one line a request.
type Log struct {
	// The least important line that is written.
	Level LogLevel `yaml:"level" json:"level"`
	// The form of lines.
	Format LogFormat `yaml:"format" json:"format"`
	// Write the texts of requests too. They hold whatever clients send, personal
	// data included.
	Prompts bool `yaml:"prompts" json:"prompts"`
}
