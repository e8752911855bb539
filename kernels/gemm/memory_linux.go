package gemm

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseHugePages asks for pages of 2 MiB for a packed weight that was not
// written to yet. Weights are read from end to end again and again, and with
// pages of 4 KiB the address translation of the prefetched lines costs 2 to 10 %
// of a forward pass.
//
// The range is extended to whole huge pages: weights are allocated one after the
// other and most are smaller than such a page. To the memory of others in these
// pages the advice does nothing but the same. It may be ignored.
func adviseHugePages(p unsafe.Pointer, n int) { advise(p, n, unix.MADV_HUGEPAGE) }

// makeHugePages is for the weight once it was written: what has small pages until
// now, because the memory was in use before or is the rest of a page begun by another
// weight, is moved. (Linux 6.1 and later; others leave it as it is.)
func makeHugePages(p unsafe.Pointer, n int) { advise(p, n, unix.MADV_COLLAPSE) }

func advise(p unsafe.Pointer, n int, advice uintptr) {
	const page, least = 2 << 20, 256 << 10
	if n < least {
		return
	}
	start := uintptr(p) &^ (page - 1)
	end := (uintptr(p) + uintptr(n) + page - 1) &^ (page - 1)
	unix.Syscall(unix.SYS_MADVISE, start, end-start, advice)
}
