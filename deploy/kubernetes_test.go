// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// A daemonSet holds the parts of the manifest that can do harm.
type daemonSet struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
	Spec struct {
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		} `yaml:"selector"`
		Template struct {
			Metadata struct {
				Labels map[string]string `yaml:"labels"`
			} `yaml:"metadata"`
			Spec podSpec `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type podSpec struct {
	HostPID        bool        `yaml:"hostPID"`
	HostNetwork    bool        `yaml:"hostNetwork"`
	HostIPC        bool        `yaml:"hostIPC"`
	Token          *bool       `yaml:"automountServiceAccountToken"`
	InitContainers []container `yaml:"initContainers"`
	Containers     []container `yaml:"containers"`
	Priority       string      `yaml:"priorityClassName"`
	Affinity       struct {
		Node struct {
			Required struct {
				Terms []struct {
					Expressions []struct {
						Key      string `yaml:"key"`
						Operator string `yaml:"operator"`
					} `yaml:"matchExpressions"`
				} `yaml:"nodeSelectorTerms"`
			} `yaml:"requiredDuringSchedulingIgnoredDuringExecution"`
		} `yaml:"nodeAffinity"`
	} `yaml:"affinity"`
	Volumes []struct {
		Name      string         `yaml:"name"`
		ConfigMap map[string]any `yaml:"configMap"`
		HostPath  map[string]any `yaml:"hostPath"`
	} `yaml:"volumes"`
}

type container struct {
	Image    string   `yaml:"image"`
	Command  []string `yaml:"command"`
	Security struct {
		Privileged   bool `yaml:"privileged"`
		ReadOnly     bool `yaml:"readOnlyRootFilesystem"`
		Capabilities struct {
			Add  []string `yaml:"add"`
			Drop []string `yaml:"drop"`
		} `yaml:"capabilities"`
	} `yaml:"securityContext"`
	VolumeMounts []struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

func TestDaemonSet(t *testing.T) {
	var set daemonSet
	var namespace struct {
		Kind     string `yaml:"kind"`
		Metadata struct {
			Name   string            `yaml:"name"`
			Labels map[string]string `yaml:"labels"`
		} `yaml:"metadata"`
	}
	documents := yaml.NewDecoder(strings.NewReader(read(t, "kubernetes/daemonset.yaml")))
	for _, document := range []any{&namespace, &set} {
		if err := documents.Decode(document); err != nil {
			t.Fatal(err)
		}
	}
	if namespace.Kind != "Namespace" || namespace.Metadata.Name != set.Metadata.Namespace || namespace.Metadata.Labels["pod-security.kubernetes.io/enforce"] != "privileged" {
		t.Errorf("the first document is %+v, want the namespace %q, which allows privileged pods", namespace, set.Metadata.Namespace)
	}
	pod := set.Spec.Template.Spec
	if set.Kind != "DaemonSet" || len(pod.InitContainers) != 1 || len(pod.Containers) != 1 {
		t.Fatalf("a %s with %d and %d containers, want a DaemonSet with one of each", set.Kind, len(pod.InitContainers), len(pod.Containers))
	}
	if diff := cmp.Diff(set.Spec.Selector.MatchLabels, set.Spec.Template.Metadata.Labels); diff != "" {
		t.Errorf("the selector does not match the pods (-selector +labels):\n%s", diff)
	}
	if !pod.HostPID || pod.HostNetwork || pod.HostIPC || pod.Token == nil || *pod.Token {
		t.Errorf("pod = %+v, want hostPID, no other namespace of the node, and no token", pod)
	}
	if pod.Priority != "system-node-critical" {
		t.Errorf("priorityClassName = %q: a full node would not be set up", pod.Priority)
	}
	if terms := pod.Affinity.Node.Required.Terms; len(terms) != 1 || len(terms[0].Expressions) != 1 || terms[0].Expressions[0].Key != "node-role.kubernetes.io/virtual-node" || terms[0].Expressions[0].Operator != "DoesNotExist" {
		t.Errorf("affinity = %+v, want it to keep off virtual nodes", terms)
	}
	want := [][]string{{"SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE"}, nil}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for i, c := range append(pod.InitContainers, pod.Containers...) {
		s := c.Security
		if !regexp.MustCompile(`@sha256:[0-9a-f]{64}$`).MatchString(c.Image) {
			t.Errorf("container %d: image %s may change under the pods, which enter the node as root", i, c.Image)
		}
		if diff := cmp.Diff(want[i], s.Capabilities.Add); diff != "" {
			t.Errorf("container %d: capabilities (-want +got):\n%s", i, diff)
		}
		if s.Privileged || !s.ReadOnly || !cmp.Equal(s.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("container %d: security = %+v, want unprivileged, read-only, all dropped", i, s)
		}
		for _, m := range c.VolumeMounts {
			if !m.ReadOnly || !volumes[m.Name] {
				t.Errorf("container %d: mount %+v, want it read-only and declared", i, m)
			}
		}
	}
	if got, want := strings.Join(pod.InitContainers[0].Command, " "), "bash -s -- --strict </falco-bootstrap/60-falco-bootstrap.sh"; !strings.HasSuffix(got, want) {
		t.Errorf("the init container runs %q, want it to end in %q", got, want)
	}
	if got := pod.Containers[0].Command[len(pod.Containers[0].Command)-1]; got != "/host/log/falco-bootstrap-report.json" {
		t.Errorf("the report container follows %s, want the units' report file", got)
	}
	if !strings.Contains(read(t, "systemd/falco-bootstrap.service"), " --report-file /var/log/falco-bootstrap-report.json\n") {
		t.Error("falco-bootstrap.service writes its reports elsewhere")
	}
}
