package config

// Reference is the Markdown reference of all keys.
func Reference() []byte { return nil }
