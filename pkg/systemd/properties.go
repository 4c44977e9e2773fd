// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// fromProperties makes a Unit of the properties of its two interfaces. state
// is the state of the unit file of the name asked for: the property of the
// same meaning speaks of the unit that an alias stands for.
func fromProperties(name, state string, unit, service map[string]any) Unit {
	u := Unit{
		Name:          name,
		ID:            value[string](unit, "Id"),
		LoadState:     value[string](unit, "LoadState"),
		ActiveState:   value[string](unit, "ActiveState"),
		SubState:      value[string](unit, "SubState"),
		UnitFileState: state,
		FragmentPath:  value[string](unit, "FragmentPath"),
		DropIns:       value[[]string](unit, "DropInPaths"),
		NeedReload:    value[bool](unit, "NeedDaemonReload"),
		ActiveSince:   instant(unit, "ActiveEnterTimestamp"),
		MainPID:       int(value[uint32](service, "MainPID")),
		NRestarts:     -1,
		Result:        value[string](service, "Result"),
		ExecStatus:    int(value[int32](service, "ExecMainStatus")),
		Started:       instant(service, "ExecMainStartTimestamp"),
		ExecStart:     argv(service["ExecStart"]),
		Environment:   value[[]string](service, "Environment"),
	}
	if n, ok := service["NRestarts"].(uint32); ok { // since systemd 235
		u.NRestarts = int(n)
	}
	u.InvocationID = invocation(u, unit)
	return u
}

// invocation is the unit's InvocationID. systemd has it since version 232; for
// an older one, Oracle Linux 7's 219 among them, an id of the same form is
// made from what is as good at telling one start from the next.
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

// value is a property, or the zero value if it is missing or of another type.
func value[T any](properties map[string]any, name string) T {
	v, _ := properties[name].(T)
	return v
}

// instant is a property that counts microseconds since 1970; 0 means never.
func instant(properties map[string]any, name string) time.Time {
	usec := value[uint64](properties, name)
	if usec == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(usec))
}

// argv is the argument list of the last command of an Exec property, whose
// type is a(sasbttttuii): the path, the arguments, and how its last run went.
// A unit of Type=simple has one command.
func argv(property any) []string {
	commands, ok := property.([][]any)
	if !ok || len(commands) == 0 {
		return nil
	}
	last := commands[len(commands)-1]
	if len(last) < 2 {
		return nil
	}
	args, _ := last[1].([]string)
	return args
}
