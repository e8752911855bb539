package config

import "github.com/goccy/go-yaml"

// Keys of the policy that notes name.
const (
	guardKey   = "security.jailbreak"
	piiKey     = "security.pii"
	abstainKey = "abstain"
	scoresKey  = "quality"
)

// priceKeys are the prices of a model by their key in the input.
var priceKeys = map[string]string{}

// describe takes over what a card says a model can.
func (im *importer) describe(card *tree, m *importedModel, at string) {
	im.mapped(card.get("name"), at+".name", "")
}

func (m importedModel) pairs() yaml.MapSlice {
	return pairs(pair("name", m.name), pair("upstreams", refs(m.refs)))
}

// sections are the keys of the policy.
func (p importedPolicy) sections() []section { return nil }
