package safetensors_test

import (
	"fmt"
	"os"
	"path/filepath"

	"mom/safetensors"
	"mom/tensor"
)

// Write a file and read it again.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	weight := tensor.View{
		Name:  "norm.weight",
		DType: tensor.F32,
		Shape: []int{2},
		Data:  []byte{0, 0, 0x80, 0x3F, 0, 0, 0, 0x40},
	}
	path := filepath.Join(dir, "model.safetensors")
	if err := safetensors.WriteFile(path, []tensor.View{weight}, map[string]string{"format": "pt"}); err != nil {
		fmt.Println(err)
		return
	}

	f, err := safetensors.Open(path, safetensors.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	fmt.Println(f.Metadata())
	for _, name := range f.Names() {
		v, _ := f.Tensor(name)
		x := make([]float32, v.Len())
		if err := v.Float32s(x); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, v.DType, v.Shape, x)
	}
	// Output:
	// map[format:pt]
	// norm.weight F32 [2] [1 2]
}

// What is wrong with a file is said in one line.
func ExampleParse() {
	header := `{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`
	data := append([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}, header...)
	_, err := safetensors.Parse("model.safetensors", append(data, make([]byte, 8)...))
	fmt.Println(err)
	// Output:
	// model.safetensors: tensor w: data_offsets [0, 8] hold 8 bytes, but F32 of shape [3] takes 12
}
