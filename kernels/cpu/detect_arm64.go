//go:build !purego

package cpu

import "github.com/klauspost/cpuid/v2"

func detect() []level {
	c := &cpuid.CPU
	if !c.Supports(cpuid.ASIMD) {
		return nil
	}
	found := []level{{"neon", &HasNEON}}
	if !c.Supports(cpuid.ASIMDDP) {
		return found
	}
	found = append(found, level{"dotprod", &HasDotProd})
	if c.Supports(cpuid.I8MM, cpuid.BF16) {
		found = append(found, level{"i8mm", &HasI8MM})
	}
	return found
}
