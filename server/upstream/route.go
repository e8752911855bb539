package upstream

import (
	"fmt"
	"sync"
	"time"

	"mom/server/config"
)

// A route is a model with what serves it.
type route struct {
	targets []target

	mu      sync.Mutex
	current []float64 // of the smooth weighted round robin
}

// A target is a replica that serves a model.
type target struct {
	r      *replica
	model  string  // the upstream's name of it
	weight float64 // beside the other targets of the route
}

func newRoute(m config.Model, services map[string][]*replica) (*route, error) {
	rt := &route{}
	for _, ref := range m.Upstreams {
		replicas := services[ref.Name]
		if len(replicas) == 0 {
			return nil, fmt.Errorf("model %s: upstream %s does not exist, or has no replica", m.Name, ref.Name)
		}
		sum := 0
		for _, r := range replicas {
			sum += r.weight
		}
		name := ref.Model
		if name == "" {
			name = m.Name
		}
		for _, r := range replicas {
			// The share of an upstream does not grow with the number of its replicas.
			w := float64(max(ref.Weight, 1)) * float64(r.weight) / float64(sum)
			rt.targets = append(rt.targets, target{r, name, w})
		}
	}
	rt.current = make([]float64, len(rt.targets))
	return rt, nil
}

// progress is what one call knows of a target.
type progress struct {
	tried bool
	out   bool      // not to be asked again
	from  time.Time // not to be asked before
}

// pick chooses among the targets that were not tried yet and may be asked now:
// smooth weighted round robin (Nginx, ngx_http_upstream_round_robin). It is -1
// when there is none.
func (rt *route) pick(now time.Time, state []progress) int {
	if len(rt.targets) == 1 {
		if ready, _ := rt.targets[0].r.ready(now); ready && !state[0].tried && !state[0].out {
			return 0
		}
		return -1
	}
	best, total := -1, 0.0
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for i := range rt.targets {
		t := &rt.targets[i]
		if state[i].tried || state[i].out {
			continue
		}
		if ready, _ := t.r.ready(now); !ready {
			continue
		}
		rt.current[i] += t.weight
		total += t.weight
		if best < 0 || rt.current[i] > rt.current[best] {
			best = i
		}
	}
	if best >= 0 {
		rt.current[best] -= total
	}
	return best
}

// again chooses among the targets that were tried: the one that may be asked
// soonest, and when. It is -1 when there is none.
func (rt *route) again(now time.Time, state []progress) (int, time.Time) {
	best := -1
	for i := range state {
		if !state[i].tried || state[i].out {
			continue
		}
		if ready, _ := rt.targets[i].r.ready(now); !ready {
			continue
		}
		if best < 0 || state[i].from.Before(state[best].from) {
			best = i
		}
	}
	if best < 0 {
		return -1, now
	}
	return best, state[best].from
}
