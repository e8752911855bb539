//go:build !purego

package cpu

import "github.com/klauspost/cpuid/v2"

func detect() []level {
	c := &cpuid.CPU
	if !c.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C) {
		return nil
	}
	found := []level{{"avx2", &HasAVX2}}
	if c.Supports(cpuid.AVXVNNI) {
		found = append(found, level{"avxvnni", &HasAVXVNNI})
	}
	if !c.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512DQ) {
		return found
	}
	found = append(found, level{"avx512", &HasAVX512})
	if !c.Supports(cpuid.AVX512VNNI) {
		return found
	}
	found = append(found, level{"avx512vnni", &HasAVX512VNNI})
	if !c.Supports(cpuid.AVX512BF16) {
		return found
	}
	found = append(found, level{"avx512bf16", &HasAVX512BF16})
	if c.Supports(cpuid.AMXTILE, cpuid.AMXINT8, cpuid.AMXBF16) && permitTiles() {
		found = append(found, level{"amx", &HasAMX})
	}
	return found
}
