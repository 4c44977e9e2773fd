// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// staleInput names something that a running Falco was started from and that
// has changed since: its package, its unit, or a file that it reads. Times in
// the future prove nothing, or a clock set back would have every run restart
// Falco.
func staleInput(sv *survey, u systemd.Unit) (string, error) {
	newer := func(t time.Time) bool { return t.After(u.Started) && !t.After(sv.view.Now()) }
	if newer(sv.falco.Installed.Add(-time.Second)) { // rpm tells whole seconds, the transaction's first
		return "the package " + sv.falco.NEVRA(), nil
	}
	config, err := falcoconf.Load(sv.view.Tree(), mainConfig, sv.falco.Version, overridesOf(u))
	if err != nil {
		return "", nil // the config step says what is wrong with it
	}
	for _, path := range append(config.Inputs(), u.DropIns...) {
		info, err := sv.view.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", fmt.Errorf("looking at what Falco reads: %w", err)
		case newer(info.ModTime):
			return path, nil
		}
	}
	return "", nil
}
