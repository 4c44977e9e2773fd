// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command measure runs a command and writes what it cost to a file, as JSON: seconds
// on the clock, seconds of CPU of it and its descendants, and the peak memory of the
// process itself, without them, in bytes.
//
//	measure FILE COMMAND [ARGUMENT...]
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

type cost struct {
	Wall   float64 `json:"wall_s"`
	CPU    float64 `json:"cpu_s"`
	Memory int     `json:"memory_bytes"`
	Exit   int     `json:"exit"`
}

func main() {
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
	ended := make(chan struct{})
	peak := make(chan int)
	go func() { peak <- watch(cmd.Process.Pid, ended) }()
	_ = cmd.Wait()
	c := cost{Wall: time.Since(start).Seconds(), Exit: cmd.ProcessState.ExitCode()}
	close(ended)
	c.Memory = <-peak
	c.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	text, err := json.Marshal(c)
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// watch returns the largest VmHWM that it saw of a process, which only grows.
func watch(pid int, ended <-chan struct{}) int {
	most := 0
	for {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			kib := 0
			_, _ = fmt.Sscan(rest, &kib)
			most = max(most, kib<<10)
		}
		select {
		case <-ended:
			return most
		case <-time.After(2 * time.Millisecond):
		}
	}
}
