package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mom/safetensors"
	"mom/weights"
)

const aboutModels = `List the family: models that are inside this program, and those in folders named
weights or models next to it. Several heads share one trunk, so that all of them together
cost one reading of the text.

With a NAME, print its model card: what it was trained on, how accurate it is on
which data, and what it is not for.`

func modelsCommand(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "models [NAME]",
		Short:   "The models inside mom, and their cards",
		Long:    aboutModels,
		Example: "  mom models\n  mom models mom-enc-guard-pii-v1",
		Args:    arguments(0, 1, "one name at most"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return printCard(a, args[0])
			}
			family, err := listFamily()
			if err != nil {
				return err
			}
			decoders := listDecoders()
			var out []byte
			if asJSON {
				for _, m := range append(family, decoders...) {
					if out, err = appendJSON(out, m); err != nil {
						return err
					}
				}
			} else {
				out = append(familyTable(family), decodersTable(decoders)...)
			}
			_, err = a.out.Write(out)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "a line of JSON a model")
	return c
}

// member is one name of the family.
type member struct {
	Name       string   `json:"name"`
	Trunk      string   `json:"trunk"` // the model that it is a head of, or itself
	Function   string   `json:"function"`
	Task       string   `json:"task,omitempty"`
	Labels     []string `json:"labels,omitempty"`
	Parameters int64    `json:"parameters,omitempty"` // its own: of a head without the trunk
	Bytes      int64    `json:"bytes"`
	Window     int      `json:"window,omitempty"` // tokens
	Where      string   `json:"where,omitempty"`  // its folder, or embedded; heads and embedded encoders have none
	Card       string   `json:"card"`             // the command that prints it
}

// listFamily lists the encoders, each with its heads. Of one beside the program that
// cannot be used the function says why.
func listFamily() ([]member, error) {
	var family []member
	for _, w := range weights.Models() {
		members, err := listEncoder(&source{name: w.Name, files: w.Files})
		if err != nil {
			return nil, err
		}
		family = append(family, members...)
	}
	for _, s := range encodersBeside() {
		members, err := listEncoder(s)
		if err != nil {
			members = []member{{Name: s.name, Trunk: s.name, Function: "unusable: " + err.Error(), Where: s.dir, Card: "mom models " + s.name}}
		}
		family = append(family, members...)
	}
	return family, nil
}

// listEncoder is a trunk and its heads.
func listEncoder(s *source) ([]member, error) {
	manifest, err := s.manifest()
	if err != nil {
		return nil, err
	}
	f, err := s.tensors()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	functions := []string{}
	var heads []member
	for _, h := range manifest.Heads {
		m := member{
			Name: h.Name, Trunk: s.name, Function: h.Function, Task: h.Task, Labels: h.Labels,
			Window: h.Window.Tokens, Card: "mom models " + h.Name,
		}
		for _, name := range f.Names() {
			if strings.HasPrefix(name, h.Prefix+".") {
				m.count(f, name)
			}
		}
		heads = append(heads, m)
		functions = append(functions, h.Function)
	}
	trunk := member{
		Name: s.name, Trunk: s.name, Function: strings.Join(functions, " + "),
		Window: manifest.Heads[0].Window.Tokens, Card: "mom models " + s.name, Where: s.dir,
	}
	for _, name := range f.Names() {
		trunk.count(f, name)
	}
	for _, h := range heads {
		trunk.Parameters -= h.Parameters
		trunk.Bytes -= h.Bytes
	}
	return append([]member{trunk}, heads...), nil
}

// count adds a tensor.
func (m *member) count(f *safetensors.File, name string) {
	v, _ := f.Stat(name)
	m.Bytes += int64(v.Len() * v.DType.Size())
	if !isScale(f, name) {
		m.Parameters += int64(v.Len())
	}
}

func familyTable(family []member) []byte {
	var out []byte
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tANSWERS\tLABELS\tSIZE\tPARAMETERS\tWHERE\tACCURACY")
	for _, m := range family {
		labels := "-"
		if len(m.Labels) > 0 {
			labels = fmt.Sprint(len(m.Labels))
		}
		where := cmp.Or(m.Where, "embedded")
		if m.Name != m.Trunk {
			where = ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Name, m.Function, labels, size(m.Bytes), millions(m.Parameters), where, m.Card)
	}
	w.Flush()
	said := map[string]bool{}
	for _, m := range family {
		labels := strings.Join(labelTypes(m.Labels), ", ")
		if line := m.Function + ": " + labels; labels != "" && !said[line] {
			out = fmt.Appendf(out, "\n%s\n", line)
			said[line] = true
		}
	}
	return out
}

// decodersTable lists the decoders; nothing when there are none.
func decodersTable(decoders []member) []byte {
	var out []byte
	if len(decoders) == 0 {
		return nil
	}
	out = append(out, '\n')
	w := tabwriter.NewWriter((*appender)(&out), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DECODER\tANSWERS\tSIZE\tWHERE\tACCURACY")
	for _, m := range decoders {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", m.Name, m.Function, size(m.Bytes), m.Where, m.Card)
	}
	w.Flush()
	return out
}

// labelTypes are the labels without the B- and I- of token classification.
func labelTypes(labels []string) []string {
	var types []string
	for _, l := range labels {
		switch {
		case l == "O" || strings.HasPrefix(l, "I-"):
		default:
			types = append(types, strings.TrimPrefix(l, "B-"))
		}
	}
	return types
}

func printCard(a *app, name string) error {
	m, _, ok := weights.Find(name)
	if !ok {
		if path, _ := findEncoder(name); path != name {
			s, err := openSource(name)
			if err != nil {
				return err
			}
			card, err := s.read("README.md")
			if err == nil {
				_, err = a.out.Write(card)
			}
			return err
		}
		for _, f := range findFamily() {
			if f.name == name {
				card, err := f.read("README.md")
				if err == nil {
					_, err = a.out.Write(card)
				}
				return err
			}
		}
		names := weights.Names()
		for _, s := range encodersBeside() {
			names = append(names, s.name)
		}
		for _, f := range findFamily() {
			names = append(names, f.name)
		}
		return misuse("no model %q in the family; it is %s", name, strings.Join(names, ", "))
	}
	_, err := a.out.Write(m.Files["README.md"])
	return err
}
