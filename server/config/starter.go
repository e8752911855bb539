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
