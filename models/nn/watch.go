package nn

import "mom/tensor"

// Watch has see called with the input of every linear layer of the passes that
// follow, [t In], before it is brought into the layer's format, until it is called
// with nil. What see gets is its own.
func (ws *Workspace) Watch(see func(l *Linear, x tensor.Mat)) { ws.watch = see }

// watched makes the inputs of r for the one who watches.
func (ws *Workspace) watched(r *rowTask) {
	x := tensor.NewMat(r.x.Rows, r.l.In)
	for i := range x.Rows {
		r.input(x.Row(i), i)
	}
	ws.watch(r.l, x)
}
