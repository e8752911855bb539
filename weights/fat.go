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
)

var decoders = []*Model{
	{Name: "mom-dec-class-intent-r1", Files: map[string][]byte{
		"config.json":       decR1Config,
		"mom.json":          decR1Manifest,
		"tokenizer.json":    decR1Tokenizer,
		"model.safetensors": decR1Tensors,
		"README.md":         decR1Card,
	}},
}
