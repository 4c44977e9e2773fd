// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package report is the report of one run, for people and for machines: one
// object that says what was found, what was or would be changed, and how the
// run ended, as text, as JSON and as metrics.
//
// Text is redacted on its way into the report, so that no output can show a
// secret. The JSON names are API; docs/report.schema.json describes them.
//
// The package opens no file, reads no clock or environment, logs nothing, and
// decides no exit status except the one that follows from the result.
package report

import (
	"encoding/json"
	"slices"
	"time"
)

// SchemaVersion is the version of the JSON object. It is raised only when a name
// is removed or changes its meaning, not for a new name.
const SchemaVersion = 1

// The modes of a run, as they appear in reports.
const (
	ModeConverge = "converge"
	ModeDryRun   = "dry-run"
	ModeVerify   = "verify"
	ModeRemove   = "remove"
)

// The results of a run, as they appear in reports.
const (
	ResultOK      = "ok"      // as declared, nothing done
	ResultChanged = "changed" // made so by this run
	ResultPending = "pending" // there are changes to make
	ResultFailed  = "failed"  // see the failed step, or the report's error
	ResultUnknown = "unknown" // found nothing to change, but could not see everything
)

// A Report is the final object of a run.
type Report struct {
	SchemaVersion int       `json:"schema_version"`
	Tool          Tool      `json:"tool"`
	Host          Host      `json:"host"`
	Falco         *Falco    `json:"falco,omitempty"`
	Mode          string    `json:"mode"`
	Root          string    `json:"root"`
	Result        string    `json:"result"`
	Exit          Exit      `json:"exit"`
	Started       time.Time `json:"started"`
	// DurationMS is how long the run took in milliseconds, to the microsecond.
	DurationMS float64 `json:"duration_ms"`
	// Drift lists every drift class that was found, once, in order of steps.
	Drift   []string `json:"drift"`
	Steps   []Step   `json:"steps"`
	Summary Summary  `json:"summary"`
	// Error is a failure outside the steps, such as a wrong flag or a panic.
	Error *Error `json:"error,omitempty"`
	// Declared lists the keys of falco.yaml that the run was told to set, without
	// their values.
	Declared []string `json:"declared,omitempty"`
	// Previous is the report before this one, without its own previous. It may
	// be of another schema version.
	Previous json.RawMessage `json:"previous,omitempty"`
}

// Warns reports whether any step warns.
func (r Report) Warns() bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return len(s.Warnings) > 0 })
}

// Tool is the program that made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
}

// Host is the node. Unknown fields are empty.
type Host struct {
	Hostname  string `json:"hostname,omitempty"`
	OS        string `json:"os,omitempty"`         // "Oracle Linux"
	OSVersion string `json:"os_version,omitempty"` // "8.10"
	OSMajor   int    `json:"os_major,omitempty"`   // 8
	Kernel    string `json:"kernel,omitempty"`     // uname -r
	Flavour   string `json:"flavour,omitempty"`    // "rhck" or "uek"
	Arch      string `json:"arch,omitempty"`       // "x86_64"
	Glibc     string `json:"glibc,omitempty"`      // "2.28"
	BootID    string `json:"boot_id,omitempty"`
}

// Falco is the Falco of the node, as the run found or left it.
type Falco struct {
	Version string `json:"version,omitempty"`
	Driver  string `json:"driver,omitempty"`
	Unit    string `json:"unit,omitempty"`
}

// Exit is the exit status with its name.
type Exit struct {
	Code int    `json:"code"`
	Name string `json:"name"`
}

// Error is a failure as it appears in reports.
type Error struct {
	Code    int    `json:"code"`
	Name    string `json:"name"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Drift is the class of drift that only people can mend.
	Drift string `json:"drift,omitempty"`
}

// A Step says how one step ended.
type Step struct {
	ID string `json:"id"`
	// Status is one of converge's statuses.
	Status   string    `json:"status"`
	Reason   string    `json:"reason,omitempty"`
	Waiting  string    `json:"waiting,omitempty"`
	Unknown  []string  `json:"unknown,omitempty"`
	Changes  []Change  `json:"changes"`
	Warnings []Warning `json:"warnings,omitempty"`
	Error    *Error    `json:"error,omitempty"`
	// TookMS is how long the step took in milliseconds, to the microsecond.
	TookMS float64 `json:"took_ms"`
}

// A Warning is worth reading, but not a reason to fail.
type Warning struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Drift   string `json:"drift,omitempty"`
}

// Summary counts steps by status.
type Summary struct {
	Change  int `json:"change"`  // to be changed
	Changed int `json:"changed"` // changed by this run
	OK      int `json:"ok"`
	Waiting int `json:"waiting"`
	Unknown int `json:"unknown"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}
