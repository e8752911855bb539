package config

// policy hands the models to the router's part.
func (c *Config) policy() {}

// policy checks the router's part.
func (k *checker) policy() {}

// names are the models and recipes that a client can ask for.
func (c *Config) names() []string {
	var out []string
	for _, m := range c.Models {
		out = append(out, m.Name)
	}
	return out
}
