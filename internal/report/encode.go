// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// ErrSchema means that this program cannot read the schema version of a report.
var ErrSchema = errors.New("unknown schema_version")

// maxPrevious bounds the report before this one, in bytes. A larger one is kept
// without its steps.
const maxPrevious = 256 << 10

// JSON writes the report indented, with a newline at its end, for people and for
// a file with one report.
func (r Report) JSON(w io.Writer) error { return Encode(w, r, "  ") }

// Line writes the report as one line, for files with many reports (NDJSON).
func (r Report) Line(w io.Writer) error { return Encode(w, r, "") }

// Encode writes v as JSON with a newline at its end, in a single call of Write:
// a reader of a pipe never sees half an object unless the pipe itself cuts it.
func Encode(w io.Writer, v any, indent string) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// DecodeSummary reads one report without its steps and its previous report,
// which are most of its bytes. Its error is that of the step that has failed, if one
// has. It ignores unknown names. A report of another schema version is [ErrSchema].
func DecodeSummary(object []byte) (Report, error) {
	var r struct {
		Report
		Steps []struct {
			Error *Error `json:"error"`
		} `json:"steps"`
		Previous json.RawMessage `json:"previous"`
	}
	err := json.Unmarshal(object, &r)
	for _, s := range r.Steps {
		if r.Error == nil && s.Error != nil && s.Error.Code == r.Exit.Code {
			r.Error = s.Error
		}
	}
	// Report the version even if a later schema gives a name another type.
	if r.SchemaVersion != SchemaVersion && (err == nil || r.SchemaVersion != 0) {
		return Report{}, fmt.Errorf("%w %d, this program reads %d", ErrSchema, r.SchemaVersion, SchemaVersion)
	}
	return r.Report, err
}

// WithPrevious returns current with an older last-run.json in it, without that
// one's own previous. The old one may be of any schema version; secrets that an
// older program left in it are hidden. If it is not a JSON object, it is left out.
//
// What a failed run was told to set may not be set, so its keys are added to those of
// the older one.
func WithPrevious(current Report, old []byte) Report {
	current.Previous = nil
	var last struct{ Declared []string }
	if current.Exit.Code != 0 && json.Unmarshal(old, &last) == nil {
		current.Declared = slices.Compact(slices.Sorted(slices.Values(append(last.Declared, current.Declared...))))
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(redact.JSON(old), &object) != nil || object == nil {
		return current
	}
	delete(object, "previous")
	raw, err := json.Marshal(object)
	if len(raw) > maxPrevious {
		delete(object, "steps")
		raw, err = json.Marshal(object)
	}
	if err == nil && len(raw) <= maxPrevious {
		current.Previous = raw
	}
	return current
}
