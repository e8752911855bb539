//go:build !purego

package cpu

import "syscall"

// permitTiles asks the system to keep the tiles of this process's threads, all that
// there are and will be. Without it the first tile instruction is a fault.
func permitTiles() bool {
	const requestPermission, tileData = 0x1023, 18
	_, _, err := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return err == 0
}
