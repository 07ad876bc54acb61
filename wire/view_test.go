package wire_test

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"testing"

	"github.com/ingot-grading/ingot/wire"
	"github.com/ingot-grading/ingot/wire/wiretest"
	"github.com/tinylib/msgp/msgp"
)

// What a recorded message says is what the model holds.
func TestVectorsDecodeToTheirFields(t *testing.T) {
	checked := map[string]int{}
	for _, v := range wiretest.VectorFiles(t)[0].Vectors {
		m, err := wire.NewDialect(v.Generation(t), wire.Limits{}).Decode(v.Frame(t))
		if err != nil {
			continue // frames of containers
		}
		var want map[string]any
		if err := json.Unmarshal(v.Fields, &want); err != nil {
			t.Fatal(err)
		}
		for key, got := range model(t, m) {
			expect, ok := want[key]
			if !ok {
				continue // not in this generation
			}
			checked[key]++
			if pair, ok := expect.([]any); ok && key == "job_id" { // up to 0.6
				expect = pair[1]
			}
			if !reflect.DeepEqual(got, expect) {
				t.Errorf("%s %s: %s is %v, want %v", v.Gen, v.Name, key, got, expect)
			}
		}
	}
	for _, key := range []string{
		"name", "job_id", "priority", "course_id", "task_problems", "inputdata", "environment", "environment_parameters",
		"debug", "launcher", "result", "grade", "problems", "tests", "custom", "state", "archive", "stdout", "port", "password",
		"friendly_name", "available_job_slots", "ssh_allowed",
	} {
		if checked[key] == 0 {
			t.Errorf("%s was never compared", key)
		}
	}
}

// model is a view of a message as the recordings give it.
func model(t *testing.T, m wire.Message) map[string]any {
	switch m := m.(type) {
	case *wire.ClientHello:
		return map[string]any{"name": m.Name}
	case *wire.ClientNewJob:
		return map[string]any{
			"job_id": m.JobID, "priority": jsonInt(m.Priority), "course_id": nullable(m.CourseID), "task_id": nullable(m.TaskID),
			"task_problems": jsonView(t, m.TaskProblems), "inputdata": jsonView(t, m.InputData),
			"environment_type": m.EnvironmentType, "environment": m.Environment,
			"environment_parameters": jsonView(t, m.Parameters), "debug": debugView(m.Debug), "launcher": m.Launcher,
		}
	case *wire.BackendNewJob:
		return map[string]any{
			"job_id": m.JobID, "course_id": nullable(m.CourseID), "task_id": nullable(m.TaskID),
			"task_problems": jsonView(t, m.TaskProblems), "inputdata": jsonView(t, m.InputData),
			"environment_type": m.EnvironmentType, "environment": m.Environment,
			"environment_parameters": jsonView(t, m.Parameters), "debug": debugView(m.Debug),
		}
	case *wire.BackendJobDone:
		return result(t, m.JobID, m.Result)
	case *wire.AgentJobDone:
		return result(t, m.JobID, m.Result)
	case *wire.BackendJobSSHDebug:
		return map[string]any{"job_id": m.JobID, "host": m.Host, "port": jsonInt(m.Port), "user": m.User, "password": m.Password}
	case *wire.AgentJobSSHDebug:
		return map[string]any{"job_id": m.JobID, "host": m.Host, "port": jsonInt(m.Port), "user": m.User, "password": m.Password}
	case *wire.BackendKillJob:
		return map[string]any{"job_id": m.JobID, "state": m.State}
	case *wire.ClientKillJob:
		return map[string]any{"job_id": m.JobID}
	case *wire.BackendJobStarted:
		return map[string]any{"job_id": m.JobID}
	case *wire.AgentJobStarted:
		return map[string]any{"job_id": m.JobID}
	case *wire.AgentHello:
		return map[string]any{"friendly_name": m.FriendlyName, "available_job_slots": jsonInt(m.Slots), "ssh_allowed": m.SSHAllowed}
	}
	return nil
}

func result(t *testing.T, job string, r wire.Result) map[string]any {
	var archive any
	if r.Archive != nil {
		archive = bytesView(r.Archive)
	}
	return map[string]any{
		"job_id": job, "result": []any{r.Status, r.Text}, "grade": jsonFloat(r.Grade), "state": r.State, "archive": archive,
		"problems": jsonView(t, r.Problems), "tests": jsonView(t, r.Tests), "custom": jsonView(t, r.Custom),
		"stdout": nullable(r.Stdout), "stderr": nullable(r.Stderr),
	}
}

func nullable(n wire.Nullable) any {
	if n.Null {
		return nil
	}
	return n.Value
}

func debugView(d wire.Debug) any {
	return map[wire.Debug]any{wire.DebugOff: false, wire.DebugOn: true, wire.DebugSSH: "ssh"}[d]
}

func jsonInt(n int64) any {
	if n > 1<<53 || n < -1<<53 {
		return map[string]any{"$int": strconv.FormatInt(n, 10)}
	}
	return float64(n)
}

func jsonFloat(f float64) any {
	switch {
	case math.IsNaN(f):
		return map[string]any{"$float": "nan"}
	case math.IsInf(f, 0):
		return map[string]any{"$float": map[bool]string{true: "inf", false: "-inf"}[f > 0]}
	}
	return f
}

func bytesView(b []byte) any {
	return map[string]any{"$b64": base64.StdEncoding.EncodeToString(b)}
}

// jsonView is the recordings' view of any value (PROTOCOL.md 10).
func jsonView(t *testing.T, v wire.Raw) any {
	switch v.Kind() {
	case wire.KindNil:
		return nil
	case wire.KindBool:
		on, _ := v.Bool()
		return on
	case wire.KindInt:
		if n, ok := v.Int(); ok {
			return jsonInt(n)
		}
		n, _, err := msgp.ReadUint64Bytes(v)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"$int": strconv.FormatUint(n, 10)}
	case wire.KindFloat:
		f, _ := v.Float()
		return jsonFloat(f)
	case wire.KindText:
		s, _ := v.Text()
		return s
	case wire.KindBytes:
		b, _ := v.Bytes()
		return bytesView(b)
	case wire.KindArray:
		list := []any{}
		if err := (wire.Limits{}).List(v, func(v wire.Raw) error {
			list = append(list, jsonView(t, v))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return list
	}
	named, pairs, texts := map[string]any{}, []any{}, true
	if err := (wire.Limits{}).Walk(v, func(k, v wire.Raw) error {
		name, ok := k.Text()
		texts = texts && ok
		named[name] = jsonView(t, v)
		pairs = append(pairs, []any{jsonView(t, k), jsonView(t, v)})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !texts {
		return map[string]any{"$map": pairs}
	}
	return named
}
