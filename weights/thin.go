//go:build !fat

package weights

var decoders []*Model
