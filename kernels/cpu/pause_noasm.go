//go:build purego || !(amd64 || arm64)

package cpu

// Pause is a short busy loop where there is no instruction for it.
func Pause(n int) {
	for range n {
		spin()
	}
}

//go:noinline
func spin() {}
