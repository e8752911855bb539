package shared

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
)

// RedisOptions say where Redis is and what happens without it.
type RedisOptions struct {
	// redis://user:password@host:port/db, rediss:// for TLS, or unix:///path. It
	// is never shown.
	URL string
	// What all keys begin with, such as mom: .
	Prefix string
	// For one command, connecting included; 0 means 50 ms. A request waits for
	// at most one command that fails: after it Redis is left alone until it
	// answers a ping, which is tried at once and then twice a second.
	Timeout time.Duration
	// What happens to limits while Redis cannot be reached: Take fails with
	// ErrUnavailable when Closed is set, and otherwise uses Fallback. Pins and
	// values are not worth refusing a request: they use Fallback in both cases.
	Closed bool
	// What is used instead; needed. It belongs to the Redis store from now on.
	Fallback *Memory
	// Where it is told that Redis went or returned; nil means nowhere.
	Log *slog.Logger

	probe time.Duration // between pings of a Redis that is gone, for tests
}

// Redis is a Store that several servers share. A goroutine waits for Redis to
// return when it is gone; Close ends it.
type Redis struct {
	o    RedisOptions
	pool *redis.Pool
	log  *slog.Logger
	down atomic.Bool
	gone chan struct{} // Redis has just gone
	stop context.CancelFunc
	done chan struct{}

	granted, refused, fallback, closed, errors atomic.Int64
}

var _ Store = (*Redis)(nil)

// NewRedis makes a Redis store. It does not wait for Redis: one that cannot be
// reached is tried again and again.
func NewRedis(o RedisOptions) (*Redis, error) {
	if o.Fallback == nil {
		return nil, errors.New("BUG: shared: a Redis store without a fallback")
	}
	if o.Timeout < 0 {
		return nil, fmt.Errorf("redis.timeout is %v; it must be positive", o.Timeout)
	}
	if o.Timeout == 0 {
		o.Timeout = 50 * time.Millisecond
	}
	if o.probe == 0 {
		o.probe = 500 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dial, err := dialer(o.URL, o.Timeout)
	if err != nil {
		// The error may hold the URL, and the URL a password.
		return nil, errors.New("redis.url is not a URL such as redis://user:password@host:6379/0, rediss://host:6380/0 or unix:///run/redis.sock")
	}
	pool := &redis.Pool{
		DialContext: dial, MaxIdle: connections, MaxActive: connections, Wait: true, IdleTimeout: 5 * time.Minute,
		TestOnBorrow: func(c redis.Conn, used time.Time) error {
			if time.Since(used) < time.Second {
				return nil
			}
			_, err := c.Do("PING") // Redis closes what was idle for long
			return err
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Redis{o: o, pool: pool, log: o.Log, gone: make(chan struct{}, 1), stop: cancel, done: make(chan struct{})}
	go r.watch(ctx)
	return r, nil
}

// watch pings a Redis that is gone until it is back.
func (r *Redis) watch(ctx context.Context) {
	defer close(r.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.gone:
		}
		for r.down.Load() {
			// At once first: a single slow answer should not cost half a second.
			ping, cancel := context.WithTimeout(ctx, r.o.Timeout)
			_, err := r.command(ping, "PING")
			cancel()
			if err == nil {
				r.down.Store(false)
				r.log.Info("redis answers again")
				break
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(r.o.probe):
			}
		}
	}
}

// connections are those to Redis, at most; commands wait for a free one.
const connections = 64

// dialer returns what connects to a URL.
func dialer(raw string, timeout time.Duration) (func(context.Context) (redis.Conn, error), error) {
	options := []redis.DialOption{redis.DialConnectTimeout(timeout), redis.DialReadTimeout(timeout), redis.DialWriteTimeout(timeout)}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	path, db := strings.Trim(u.Path, "/"), 0
	if path != "" && u.Scheme != "unix" {
		if db, err = strconv.Atoi(path); err != nil || db < 0 {
			return nil, fmt.Errorf("database %q", path)
		}
	}
	switch {
	case u.Opaque != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("more than a server and a database")
	case u.Scheme == "redis" || u.Scheme == "rediss":
		return func(ctx context.Context) (redis.Conn, error) { return redis.DialURLContext(ctx, raw, options...) }, nil
	case u.Scheme == "unix" && u.Host == "" && path != "":
		password, _ := u.User.Password()
		options = append(options, redis.DialUsername(u.User.Username()), redis.DialPassword(password))
		return func(ctx context.Context) (redis.Conn, error) {
			return redis.DialContext(ctx, "unix", u.Path, options...)
		}, nil
	}
	return nil, fmt.Errorf("scheme %q", u.Scheme)
}

// command runs one command. Of the context, the wait for a connection and the
// connecting heed the end; the command itself has the timeout.
func (r *Redis) command(ctx context.Context, name string, args ...any) (any, error) {
	c, err := r.pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Do(name, args...)
}

// script runs a script with one key or two and its arguments.
func (r *Redis) script(ctx context.Context, s *redis.Script, keys []string, args ...any) ([]any, error) {
	c, err := r.pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all := make([]any, 0, len(keys)+len(args))
	for _, k := range keys {
		all = append(all, k)
	}
	answer, err := s.Do(c, append(all, args...)...)
	return redis.Values(answer, err)
}

// do runs one command unless Redis is gone, and reports whether it answered.
func (r *Redis) do(ctx context.Context, f func(context.Context) error) bool {
	if r.down.Load() {
		r.fallback.Add(1)
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	err := f(bounded)
	if err == nil || errors.Is(err, redis.ErrNil) {
		return true
	}
	if ctx.Err() != nil { // the client has left: that says nothing of Redis
		return false
	}
	r.errors.Add(1)
	r.fallback.Add(1)
	if r.down.CompareAndSwap(false, true) {
		r.log.Error("redis does not answer", "closed", r.o.Closed, "error", kindOf(err))
		select {
		case r.gone <- struct{}{}:
		default:
		}
	}
	return false
}

// kindOf describes an error by what kind it is: its text could hold more than
// should be logged.
func kindOf(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	if code, _, _ := strings.Cut(err.Error(), " "); code != "" && code == strings.ToUpper(code) && !strings.ContainsAny(code, ":\"") {
		return code // such as NOAUTH, WRONGPASS, OOM, LOADING
	}
	return "connection failed"
}

// takeScript fills both buckets, and takes from both or none. A bucket is a
// hash of its level and of the time of its level in microseconds, Redis's own,
// so that servers' clocks do not matter.
//
// KEYS: requests, tokens. ARGV: limit of requests, limit of tokens, tokens.
// Answers: taken, level of requests, level of tokens.
var takeScript = redis.NewScript(2, fillLua+`
local limits = {tonumber(ARGV[1]), tonumber(ARGV[2])}
local need = {1, tonumber(ARGV[3])}
local level, ok = {0, 0}, 1
for i = 1, 2 do
  if limits[i] > 0 then
    level[i] = fill(KEYS[i], limits[i])
    if level[i] < need[i] then ok = 0 end
  end
end
for i = 1, 2 do
  if limits[i] > 0 and ok == 1 then
    level[i] = level[i] - need[i]
    keep(KEYS[i], limits[i], level[i])
  end
end
return {ok, string.format('%.6f', level[1]), string.format('%.6f', level[2])}
`)

// settleScript adds to the level of a bucket. KEYS: tokens. ARGV: limit, tokens
// to add.
var settleScript = redis.NewScript(1, fillLua+`
local limit = tonumber(ARGV[1])
keep(KEYS[1], limit, math.min(fill(KEYS[1], limit) + tonumber(ARGV[2]), limit))
return {1}
`)

const fillLua = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function fill(key, limit)
  local kept = redis.call('HMGET', key, 'level', 'at')
  if not kept[1] then return limit end
  local passed = math.max(now - tonumber(kept[2]), 0)
  return math.min(tonumber(kept[1]) + limit * passed / 60000000, limit)
end
local function keep(key, limit, level)
  redis.call('HSET', key, 'level', string.format('%.6f', level), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', key, math.ceil((limit - level) / limit * 60000) + 1000)
end
`

// keys of one client carry a hash tag, so that a cluster keeps them together.
func (r *Redis) keys(key string) []string {
	tag := r.o.Prefix + "limit:{" + key + "}:"
	return []string{tag + "requests", tag + "tokens"}
}

// Take is described by Store.
func (r *Redis) Take(ctx context.Context, key string, l Limits, tokens int) (Grant, error) {
	if l.none() {
		r.granted.Add(1)
		return grant(l, true, 0, 0, 0), nil
	}
	need := l.need(tokens)
	var answer []any
	ok := r.do(ctx, func(ctx context.Context) (err error) {
		answer, err = r.script(ctx, takeScript, r.keys(key), l.Requests, l.Tokens, need)
		return err
	})
	switch {
	case ok:
	case ctx.Err() != nil:
		return Grant{}, ctx.Err()
	case r.o.Closed:
		r.closed.Add(1)
		return Grant{}, ErrUnavailable
	default:
		g, err := r.o.Fallback.Take(ctx, key, l, tokens)
		r.count(g.OK)
		return g, err
	}
	taken, requests, left, err := levels(answer)
	if err != nil {
		return Grant{}, err
	}
	r.count(taken)
	return grant(l, taken, requests, left, need), nil
}

func (r *Redis) count(granted bool) {
	if granted {
		r.granted.Add(1)
	} else {
		r.refused.Add(1)
	}
}

func levels(answer []any) (ok bool, requests, tokens float64, err error) {
	if len(answer) == 3 {
		n, isInt := answer[0].(int64)
		a, isText := answer[1].([]byte)
		b, isText2 := answer[2].([]byte)
		requests, err1 := strconv.ParseFloat(string(a), 64)
		tokens, err2 := strconv.ParseFloat(string(b), 64)
		if isInt && isText && isText2 && err1 == nil && err2 == nil {
			return n == 1, requests, tokens, nil
		}
	}
	return false, 0, 0, errors.New("shared: redis answered a script with something else")
}

// Settle is described by Store.
func (r *Redis) Settle(ctx context.Context, key string, l Limits, reserved, used int) error {
	if l.Tokens <= 0 || reserved == used {
		return nil
	}
	if reserved < 0 || used < 0 {
		return fmt.Errorf("BUG: shared: settle of %d tokens for %d", used, reserved)
	}
	ok := r.do(ctx, func(ctx context.Context) error {
		_, err := r.script(ctx, settleScript, r.keys(key)[1:], l.Tokens, reserved-used)
		return err
	})
	switch {
	case ok:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case r.o.Closed:
		return ErrUnavailable
	}
	return r.o.Fallback.Settle(ctx, key, l, reserved, used)
}

// Pin is described by Store.
func (r *Redis) Pin(ctx context.Context, conversation string) (string, bool) {
	v, found, up := r.get(ctx, "pin:"+conversation)
	if !up {
		return r.o.Fallback.Pin(ctx, conversation)
	}
	return string(v), found
}

// SetPin is described by Store.
func (r *Redis) SetPin(ctx context.Context, conversation, model string, ttl time.Duration) {
	if !r.set(ctx, "pin:"+conversation, []byte(model), ttl) {
		r.o.Fallback.SetPin(ctx, conversation, model, ttl)
	}
}

// Get is described by Store.
func (r *Redis) Get(ctx context.Context, key string) ([]byte, bool) {
	v, found, up := r.get(ctx, "value:"+key)
	if !up {
		return r.o.Fallback.Get(ctx, key)
	}
	return v, found
}

// Put is described by Store.
func (r *Redis) Put(ctx context.Context, key string, value []byte, ttl time.Duration) {
	if !r.set(ctx, "value:"+key, value, ttl) {
		r.o.Fallback.Put(ctx, key, value, ttl)
	}
}

func (r *Redis) get(ctx context.Context, key string) (v []byte, found, up bool) {
	up = r.do(ctx, func(ctx context.Context) (err error) {
		v, err = redis.Bytes(r.command(ctx, "GET", r.o.Prefix+key))
		found = err == nil
		return err
	})
	return v, found, up
}

func (r *Redis) set(ctx context.Context, key string, v []byte, ttl time.Duration) bool {
	if ttl < time.Millisecond {
		return true // over before it begins
	}
	return r.do(ctx, func(ctx context.Context) error {
		_, err := r.command(ctx, "SET", r.o.Prefix+key, v, "PX", ttl.Milliseconds())
		return err
	})
}

// Stats is described by Store.
func (r *Redis) Stats() Stats {
	m := r.o.Fallback.Stats()
	return Stats{Granted: r.granted.Load(), Refused: r.refused.Load(), Fallback: r.fallback.Load(), Closed: r.closed.Load(),
		Errors: r.errors.Load(), Evicted: m.Evicted, Bytes: m.Bytes, Up: !r.down.Load()}
}

// Close ends the goroutine and the connections.
func (r *Redis) Close() error {
	r.stop()
	<-r.done
	err := r.pool.Close()
	return errors.Join(err, r.o.Fallback.Close())
}
