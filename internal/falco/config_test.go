// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckArgs(t *testing.T) {
	dryRun := []string{"-c", "/x", "--dry-run", "-o", "log_stderr=true", "-o", "log_level=warning", "-o", "log_syslog=false"}
	list := []string{"-c", "/x", "-L"}
	for falco, want := range map[string][]string{"0.34.1": list, "0.32.2": list, "0.35.0": dryRun, "0.44.1": dryRun, "1.0.0": dryRun, "": dryRun, "?": dryRun} {
		if diff := cmp.Diff(want, CheckArgs(falco, "/x")); diff != "" {
			t.Errorf("CheckArgs(%q) (-want +got):\n%s", falco, diff)
		}
	}
}
