// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// fromProperties makes a Unit of the properties of its two interfaces. state is
// the state of the unit file with the name asked for: the property UnitFileState
// is about the unit that an alias stands for.
func fromProperties(name, state string, unit, service map[string]any) Unit {
	u := Unit{
		Name:             name,
		ID:               value[string](unit, "Id"),
		Names:            value[[]string](unit, "Names"),
		LoadState:        value[string](unit, "LoadState"),
		ActiveState:      value[string](unit, "ActiveState"),
		SubState:         value[string](unit, "SubState"),
		UnitFileState:    state,
		Fragment:         value[string](unit, "FragmentPath"),
		DropIns:          value[[]string](unit, "DropInPaths"),
		NeedReload:       value[bool](unit, "NeedDaemonReload"),
		MainPID:          int(value[uint32](service, "MainPID")),
		NRestarts:        -1,
		Result:           value[string](service, "Result"),
		ExecStatus:       int(value[int32](service, "ExecMainStatus")),
		ExecStart:        argv(service["ExecStart"]),
		Environment:      value[[]string](service, "Environment"),
		EnvironmentFiles: paths(service["EnvironmentFiles"]),
		UMask:            -1,
		User:             value[string](service, "User"),
		Group:            value[string](service, "Group"),
		Sandbox:          sandbox(service),
		Requires:         slices.Concat(value[[]string](unit, "Requires"), value[[]string](unit, "Requisite"), value[[]string](unit, "BindsTo")),
	}
	if mask, ok := service["UMask"].(uint32); ok {
		u.UMask = int(mask)
	}
	if usec := value[uint64](service, "ExecMainStartTimestamp"); usec != 0 {
		u.Started = time.UnixMicro(int64(usec))
	}
	if n, ok := service["NRestarts"].(uint32); ok { // since systemd 235
		u.NRestarts = int(n)
	}
	u.InvocationID = invocation(u, unit)
	return u
}

// invocation returns the unit's InvocationID, which systemd has since version
// 232. For an older one, such as 219 on Oracle Linux 7, it makes an id of the
// same form from properties that also differ from one start to the next.
func invocation(u Unit, unit map[string]any) string {
	id, known := unit["InvocationID"].([]byte)
	switch {
	case known && len(id) > 0 && hex.EncodeToString(id) != "00000000000000000000000000000000":
		return hex.EncodeToString(id)
	case known || u.Started.IsZero():
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", u.ID, u.MainPID, u.Started.UnixMicro()))
	return hex.EncodeToString(sum[:16])
}

// value returns a property, or the zero value if it is missing or has another
// type.
func value[T any](properties map[string]any, name string) T {
	v, _ := properties[name].(T)
	return v
}

// paths returns the paths of a property of type a(sb).
func paths(property any) []string {
	var out []string
	entries, _ := property.([][]any)
	for _, entry := range entries {
		if len(entry) > 0 {
			if path, ok := entry[0].(string); ok {
				out = append(out, path)
			}
		}
	}
	return out
}

// argv returns the arguments of the last command of an Exec property, of type
// a(sasbttttuii): the path, the arguments, and how its last run went. A unit of
// Type=simple has one command.
func argv(property any) []string {
	commands, _ := property.([][]any)
	if len(commands) == 0 || len(commands[len(commands)-1]) < 2 {
		return nil
	}
	args, _ := commands[len(commands)-1][1].([]string)
	return args
}
