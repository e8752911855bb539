// Package mom is the module's root: it holds no code, only the test that keeps
// the layers apart. The command is mom/cmd/mom; see ARCHITECTURE.md.
package mom
