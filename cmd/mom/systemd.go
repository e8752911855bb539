package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// firstSocket is the first descriptor that systemd passes.
const firstSocket = 3

// systemdListeners are the sockets that the service manager opened for this
// process; none when it was not started so.
func systemdListeners(getenv func(string) string) ([]net.Listener, error) {
	if getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || n < 1 || n > 64 {
		return nil, fmt.Errorf("LISTEN_FDS: want a number from 1 to 64")
	}
	var list []net.Listener
	for fd := firstSocket; fd < firstSocket+n; fd++ {
		f := os.NewFile(uintptr(fd), "systemd socket "+strconv.Itoa(fd))
		l, err := net.FileListener(f)
		f.Close() // the listener has its own
		if err != nil {
			for _, l := range list {
				l.Close()
			}
			return nil, fmt.Errorf("descriptor %d that systemd passed is no listening stream socket: %v", fd, err)
		}
		list = append(list, l)
	}
	return list, nil
}

// notify tells the service manager a state such as READY=1. Without one it does
// nothing.
func notify(getenv func(string) string, state string) error {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte(state))
	return err
}

// watchdogInterval is how often the service manager wants to hear that the
// process lives; 0 when it does not.
func watchdogInterval(getenv func(string) string) time.Duration {
	if pid := getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}
