//go:build fat

package weights

import _ "embed"

var (
	//go:embed mom-dec-class-intent-r1/config.json
	decR1Config []byte
	//go:embed mom-dec-class-intent-r1/mom.json
	decR1Manifest []byte
	//go:embed mom-dec-class-intent-r1/tokenizer.json
	decR1Tokenizer []byte
	//go:embed mom-dec-class-intent-r1/model.safetensors
	decR1Tensors []byte
	//go:embed mom-dec-class-intent-r1/README.md
	decR1Card []byte

	//go:embed mom-dec-class-intent-v1/config.json
	decV1Config []byte
	//go:embed mom-dec-class-intent-v1/mom.json
	decV1Manifest []byte
	//go:embed mom-dec-class-intent-v1/adapter_config.json
	decV1AdapterConfig []byte
	//go:embed mom-dec-class-intent-v1/adapter_model.safetensors
	decV1Adapter []byte
	//go:embed mom-dec-class-intent-v1/README.md
	decV1Card []byte
)

var decoders = []*Model{
	{Name: "mom-dec-class-intent-r1", Files: map[string][]byte{
		"config.json":       decR1Config,
		"mom.json":          decR1Manifest,
		"tokenizer.json":    decR1Tokenizer,
		"model.safetensors": decR1Tensors,
		"README.md":         decR1Card,
	}},
	{Name: "mom-dec-class-intent-v1", Files: map[string][]byte{
		"config.json":               decV1Config,
		"mom.json":                  decV1Manifest,
		"adapter_config.json":       decV1AdapterConfig,
		"adapter_model.safetensors": decV1Adapter,
		"README.md":                 decV1Card,
	}},
}
