package server

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"mom/router"
	"mom/server/web"
)

// read has all texts of a request classified. Those that were seen before cost
// nothing; the rest are read side by side, since the engine makes batches.
func (s *Server) read(x *exchange, parts []router.Part, tasks web.Task) error {
	if tasks == 0 || len(parts) == 0 {
		return nil
	}
	limits := x.p.config.Limits
	if err := checkTexts(parts, limits.Texts, limits.Tokens); err != nil {
		return err
	}
	start := time.Now()
	defer func() { x.stages.Classify += time.Since(start) }()
	ctx, cancel := context.WithTimeoutCause(x.life, x.p.config.Timeouts.Classify, errSlow)
	defer cancel()
	if err := s.readAll(ctx, parts, tasks); err != nil {
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return context.Cause(ctx)
		}
		return err
	}
	tokens := 0
	for i := range parts {
		tokens += parts[i].Reading.Tokens
	}
	if tokens > limits.Tokens {
		return tooManyTokens(limits.Tokens)
	}
	x.tokensIn = max(x.tokensIn, tokens)
	return nil
}

var errSlow = &web.Error{
	Status: 503, Code: "classifiers_slow", RetryAfter: time.Second,
	Message: "the classifiers did not read the request in time (timeouts.classify)",
}

// checkTexts refuses what would be refused after a long reading anyway: tokens
// of long texts do not have 64 bytes on average.
func checkTexts(parts []router.Part, most, tokens int) error {
	if len(parts) > most {
		return &web.Error{Status: 413, Code: "too_many_texts",
			Message: fmt.Sprintf("the request has %d texts to read, more than the limit of %d (limits.texts)", len(parts), most)}
	}
	size := 0
	for i := range parts {
		size += len(parts[i].Text)
	}
	if size/64 > tokens {
		return tooManyTokens(tokens)
	}
	return nil
}

func tooManyTokens(most int) error {
	return &web.Error{Status: 413, Code: "too_many_tokens",
		Message: fmt.Sprintf("the request's texts have more tokens than the limit of %d (limits.tokens)", most)}
}

func (s *Server) readAll(ctx context.Context, parts []router.Part, tasks web.Task) error {
	var unknown []*router.Part
	for i := range parts {
		if r, ok := s.classifier.known(parts[i].Text, tasks); ok {
			parts[i].Reading = r
		} else {
			unknown = append(unknown, &parts[i])
		}
	}
	if len(unknown) < 2 {
		for _, p := range unknown {
			return s.readOne(ctx, p, tasks)
		}
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *router.Part, len(unknown))
	for _, p := range unknown {
		next <- p
	}
	close(next)
	var group sync.WaitGroup
	var once sync.Once
	var first error
	fail := func(err error) { once.Do(func() { first = err; cancel(err) }) }
	for range min(len(unknown), 2*runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					fail(fmt.Errorf("panic in a classifier: %T", r))
				}
			}()
			for p := range next {
				if err := s.readOne(ctx, p, tasks); err != nil {
					fail(err)
					return
				}
			}
		})
	}
	group.Wait()
	return first
}

func (s *Server) readOne(ctx context.Context, p *router.Part, tasks web.Task) error {
	r, err := s.classifier.Classify(ctx, p.Text, tasks)
	p.Reading = r
	return err
}
