// The Collector's attributesprocessor and resourceprocessor as a filter: a job a line in, {"processor", "config"
// in YAML, "signal", "request" in OTLP/JSON, "metadata" of its client}, and what it makes of the request out, or
// {"error"} where it refuses the config.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
)

type job struct {
	Processor string
	Config    string
	Signal    string
	Request   json.RawMessage
	Metadata  map[string][]string
}

var factories = map[string]processor.Factory{
	"attributes": attributesprocessor.NewFactory(),
	"resource":   resourceprocessor.NewFactory(),
}

func traces(ctx context.Context, factory processor.Factory, settings processor.Settings, config component.Config, request []byte) ([]byte, error) {
	sink := new(consumertest.TracesSink)
	made, err := factory.CreateTraces(ctx, settings, config, sink)
	if err != nil {
		return nil, err
	}
	data, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(request)
	if err == nil {
		err = made.ConsumeTraces(ctx, data)
	}
	if err != nil {
		return nil, err
	}
	return new(ptrace.JSONMarshaler).MarshalTraces(sink.AllTraces()[0])
}

func logs(ctx context.Context, factory processor.Factory, settings processor.Settings, config component.Config, request []byte) ([]byte, error) {
	sink := new(consumertest.LogsSink)
	made, err := factory.CreateLogs(ctx, settings, config, sink)
	if err != nil {
		return nil, err
	}
	data, err := new(plog.JSONUnmarshaler).UnmarshalLogs(request)
	if err == nil {
		err = made.ConsumeLogs(ctx, data)
	}
	if err != nil {
		return nil, err
	}
	return new(plog.JSONMarshaler).MarshalLogs(sink.AllLogs()[0])
}

func metrics(ctx context.Context, factory processor.Factory, settings processor.Settings, config component.Config, request []byte) ([]byte, error) {
	sink := new(consumertest.MetricsSink)
	made, err := factory.CreateMetrics(ctx, settings, config, sink)
	if err != nil {
		return nil, err
	}
	data, err := new(pmetric.JSONUnmarshaler).UnmarshalMetrics(request)
	if err == nil {
		err = made.ConsumeMetrics(ctx, data)
	}
	if err != nil {
		return nil, err
	}
	return new(pmetric.JSONMarshaler).MarshalMetrics(sink.AllMetrics()[0])
}

func edit(line []byte) ([]byte, error) {
	var job job
	if err := json.Unmarshal(line, &job); err != nil {
		return nil, err
	}
	factory := factories[job.Processor]
	config := factory.CreateDefaultConfig()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(job.Config))
	if err != nil {
		return nil, err
	}
	conf, err := retrieved.AsConf()
	if err == nil {
		err = conf.Unmarshal(config)
	}
	if checked, ok := config.(interface{ Validate() error }); err == nil && ok {
		err = checked.Validate()
	}
	if err != nil {
		return nil, err
	}
	settings := processor.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	ctx := client.NewContext(context.Background(), client.Info{Metadata: client.NewMetadata(job.Metadata)})
	switch job.Signal {
	case "traces":
		return traces(ctx, factory, settings, config, job.Request)
	case "logs":
		return logs(ctx, factory, settings, config, job.Request)
	default:
		return metrics(ctx, factory, settings, config, job.Request)
	}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		answer, err := edit(in.Bytes())
		if err != nil {
			answer, _ = json.Marshal(map[string]string{"error": err.Error()})
		}
		out.Write(answer)
		out.WriteByte('\n')
	}
}
