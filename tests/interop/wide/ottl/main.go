// The Collector's filterprocessor and transformprocessor as a filter: a job a line in, {"processor", "config", "signal",
// "request" in OTLP/JSON}, and what the processor makes of the request out: {"request"}, null where nothing is left of
// it, or {"error", "at"}, where "at" is "config" or "records".
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
)

type job struct {
	Processor string
	Config    map[string]any
	Signal    string
	Request   json.RawMessage
}

type answer struct {
	Request json.RawMessage `json:"request"`
	Error   string          `json:"error,omitempty"`
	At      string          `json:"at,omitempty"`
}

// What is made of a config is kept: many requests meet the same one.
type made struct {
	traces  processor.Traces
	logs    processor.Logs
	metrics processor.Metrics
	spans   *consumertest.TracesSink
	records *consumertest.LogsSink
	points  *consumertest.MetricsSink
}

var factories = map[string]processor.Factory{
	"filter":    filterprocessor.NewFactory(),
	"transform": transformprocessor.NewFactory(),
}

func configOf(factory processor.Factory, values map[string]any) (component.Config, error) {
	config := factory.CreateDefaultConfig()
	err := confmap.NewFromStringMap(values).Unmarshal(config)
	if checked, ok := config.(interface{ Validate() error }); err == nil && ok {
		err = checked.Validate()
	}
	return config, err
}

func makeProcessor(job *job) (*made, error) {
	factory, ok := factories[job.Processor]
	if !ok {
		return nil, errors.New("no such processor")
	}
	config, err := configOf(factory, job.Config)
	if err != nil {
		return nil, err
	}
	it := &made{spans: new(consumertest.TracesSink), records: new(consumertest.LogsSink), points: new(consumertest.MetricsSink)}
	settings := processor.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	switch job.Signal {
	case "traces":
		it.traces, err = factory.CreateTraces(context.Background(), settings, config, it.spans)
	case "logs":
		it.logs, err = factory.CreateLogs(context.Background(), settings, config, it.records)
	default:
		it.metrics, err = factory.CreateMetrics(context.Background(), settings, config, it.points)
	}
	return it, err
}

func (it *made) consumeTraces(request []byte) ([]byte, error) {
	it.spans.Reset()
	data, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(request)
	if err == nil {
		err = it.traces.ConsumeTraces(context.Background(), data)
	}
	if err != nil || len(it.spans.AllTraces()) == 0 {
		return nil, err
	}
	return new(ptrace.JSONMarshaler).MarshalTraces(it.spans.AllTraces()[0])
}

func (it *made) consumeLogs(request []byte) ([]byte, error) {
	it.records.Reset()
	data, err := new(plog.JSONUnmarshaler).UnmarshalLogs(request)
	if err == nil {
		err = it.logs.ConsumeLogs(context.Background(), data)
	}
	if err != nil || len(it.records.AllLogs()) == 0 {
		return nil, err
	}
	return new(plog.JSONMarshaler).MarshalLogs(it.records.AllLogs()[0])
}

func (it *made) consumeMetrics(request []byte) ([]byte, error) {
	it.points.Reset()
	data, err := new(pmetric.JSONUnmarshaler).UnmarshalMetrics(request)
	if err == nil {
		err = it.metrics.ConsumeMetrics(context.Background(), data)
	}
	if err != nil || len(it.points.AllMetrics()) == 0 {
		return nil, err
	}
	return new(pmetric.JSONMarshaler).MarshalMetrics(it.points.AllMetrics()[0])
}

var present struct {
	key string
	it  *made
	err error
}

func process(line []byte) answer {
	var job job
	if err := json.Unmarshal(line, &job); err != nil {
		return answer{Error: err.Error(), At: "job"}
	}
	key, _ := json.Marshal([]any{job.Processor, job.Config, job.Signal})
	if present.key != string(key) {
		present.key = string(key)
		present.it, present.err = makeProcessor(&job)
	}
	if present.err != nil {
		return answer{Error: present.err.Error(), At: "config"}
	}
	consume := map[string]func([]byte) ([]byte, error){
		"traces": present.it.consumeTraces, "logs": present.it.consumeLogs, "metrics": present.it.consumeMetrics,
	}
	request, err := consume[job.Signal](job.Request)
	if err != nil {
		return answer{Error: err.Error(), At: "records"}
	}
	return answer{Request: request}
}

func main() {
	if err := featuregate.GlobalRegistry().Set("transform.flatten.logs", true); err != nil {
		panic(err)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		text, err := json.Marshal(process(in.Bytes()))
		if err != nil {
			panic(err)
		}
		out.Write(text)
		out.WriteByte('\n')
	}
}
