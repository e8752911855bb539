//go:build !(linux || darwin)

package safetensors

import (
	"errors"
	"os"
	"runtime"
)

func mapFile(*os.File, int) (data []byte, unmap func() error, err error) {
	return nil, nil, errors.New("mapping files is not supported on " + runtime.GOOS)
}
