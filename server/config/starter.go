package config

// Starter is the file that mom config init writes: it loads as it is, needs no
// variable, and shows in comments what most people set first.
func Starter() []byte { return []byte(starter) }

const starter = `# mom: serve with  mom serve --config mom.yaml
# Every key: docs/configuration.md, or mom config schema. What is left out has
# its default. ` + "`mom config explain mom.yaml`" + ` shows what is in force.

# Where requests come in. Beyond this machine (0.0.0.0:8080) a key is needed.
listen: 127.0.0.1:8080

# auth:
#   keys:
#     - name: alice
#       key: ${MOM_KEY_ALICE}          # or sha256: or key_file:
#       requests_per_minute: 600

# The services that answer. Keys come from the environment or a file.
# upstreams:
#   - name: openai
#     base_url: https://api.openai.com/v1
#     api_key: ${OPENAI_API_KEY}
#   - name: anthropic
#     kind: anthropic
#     base_url: https://api.anthropic.com/v1
#     api_key_file: anthropic.key
#   - name: local
#     replicas:
#       - {base_url: http://127.0.0.1:8000/v1, weight: 2}
#       - {base_url: http://127.0.0.1:8001/v1, weight: 1}
#     health: {path: /health}

# The models to choose from, instead of the built-in examples: prices in US
# dollars for a million tokens, quality as the share of requests answered well.
# models:
#   - name: small
#     price: {input: 0.15, output: 0.6}
#     quality: 0.6
#     context: 128000
#     capabilities: [tools, json_schema]
#     upstreams: [{name: local, model: qwen3-8b}]
#   - name: large
#     price: {input: 2.5, output: 10}
#     quality: 0.85
#     categories: {math: 0.9, law: 0.75}
#     capabilities: [tools, vision, json_schema]
#     upstreams: [{name: openai, model: gpt-4o}]

# What clients ask for as their model: 0 takes the best model, 10 the cheapest.
# recipes:
#   - name: auto
#     cost_quality_tradeoff: 3

# A small model inside that explains decisions, and may tell what requests are
# about instead of the encoder, if it does so in time. See docs/decoders.md.
# decoders:
#   - name: why
#     path: weights/mom-dec-class-intent-r1
#     explain: true
# intent: {decoder: why, time_limit: 200ms}

# What is done with attacks (block, flag, off) and personal data (also mask).
security:
  jailbreak: {action: block}
  pii: {action: flag}

# Decisions, feedback and usage; no prompts. :memory: forgets them on exit.
state:
  path: mom.db
  retention: 30d
  max_size: 256MiB

# Answers given again: exact, semantic or off.
cache:
  mode: "off"

# What is read in answers.
response_guard:
  jailbreak: "off"
  pii: "off"

# Metrics, health, readiness; no key is asked, so keep it on this machine.
admin:
  listen: 127.0.0.1:8081

playground: true

log:
  level: info
  format: text
`
