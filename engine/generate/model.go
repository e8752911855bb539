package generate

import (
	"mom/engine/chat"
	"mom/models"
	"mom/models/kv"
	"mom/models/nn"
	"mom/tokenizer"
)

// Options say how a model runs. The zero value is right for most.
type Options struct {
	Precision string // f32, bf16, int8, int4 or auto; "" is auto
	KV        string // format of keys and values: f32, bf16 or int8; "" is f32 for f32, else bf16
	KVBytes   int    // of keys and values at most; 0 means 256 MiB
	Threads   int    // cores to use at most; 0 means GOMAXPROCS
	Sequences int    // that write at the same time; 0 means 64
	Budget    int    // tokens a pass; 0 means 512
	Queue     int    // requests that may wait; 0 means 1,024
	Prefixes  int    // beginnings that are kept for reuse; 0 means 64, below 0 none
	MaxTokens int    // of prompt and answer; 0 means the model's limit
}

// A Model is an open decoder. Its methods may be called from any goroutine.
type Model struct {
	Name      string
	Tokenizer *tokenizer.Tokenizer

	decoder   models.Decoder
	info      models.Info
	precision nn.Precision
	ends      []int32 // end-of-text tokens
	template  func() (*chat.Template, error)
	own       *models.Adapter // of requests that name no other; nil for most
	pieces    [][]byte        // the text of every token
	pool      *kv.Pool
	o         Options

	loop
}

// newModel puts a generator around a decoder.
func newModel(d models.Decoder, t *tokenizer.Tokenizer, ends []int32, format kv.Format, o Options) *Model {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&o.KVBytes, 256<<20)
	def(&o.Sequences, 64)
	def(&o.Budget, 512)
	def(&o.Queue, 1024)
	def(&o.Prefixes, 64)
	info := d.Info()
	if o.MaxTokens > 0 {
		info.MaxTokens = min(info.MaxTokens, o.MaxTokens)
	}
	m := &Model{Tokenizer: t, decoder: d, info: info, ends: ends, o: o}
	m.pool = kv.NewPool(kv.Options{Layers: info.Layers, KVHeads: info.KVHeads, HeadDim: info.HeadDim, Format: format, Bytes: o.KVBytes})
	m.pieces = make([][]byte, info.Vocab)
	copy(m.pieces, t.Pieces())
	m.loop.prefixes.most = max(o.Prefixes, 0)
	m.ws.Team = nn.NewTeam(threads(o.Threads))
	return m
}

// Info describes the decoder.
func (m *Model) Info() models.Info { return m.info }

// Precision is the format of the linear layers.
func (m *Model) Precision() nn.Precision { return m.precision }

// Memory counts the pages of keys and values.
func (m *Model) Memory() kv.Stats { return m.pool.Stats() }

// Decoder is the model below, for measurements.
func (m *Model) Decoder() models.Decoder { return m.decoder }

// Adapter is the one that the model's folder has, of requests that name no other;
// nil for most.
func (m *Model) Adapter() *models.Adapter { return m.own }

// Pieces is the text of every token, for a grammar's vocabulary. It must not be
// changed.
func (m *Model) Pieces() [][]byte { return m.pieces }

// Ends lists the end-of-text tokens.
func (m *Model) Ends() []int32 { return m.ends }

// pages is the number of pages that n tokens take.
func (m *Model) pages(n int) int { return (n + pageTokens - 1) / pageTokens }
