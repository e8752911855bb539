package tensor_test

import (
	"fmt"

	"mom/tensor"
)

// A tensor of two numbers in bfloat16, as it lies in a file.
func ExampleView_Float32s() {
	v := tensor.View{
		Name:  "norm.weight",
		DType: tensor.BF16,
		Shape: []int{2},
		Data:  []byte{0x80, 0x3F, 0x20, 0xC0},
	}
	x := make([]float32, v.Len())
	if err := v.Float32s(x); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(x)
	// Output: [1 -2.5]
}
