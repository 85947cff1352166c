// The Collector's OTTL as a filter: a job a line in, {"context", "condition", "request" in OTLP/JSON}, and out what the
// condition says of each record, "true", "false" or "fails", or ["refused"].
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottldatapoint"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlmetric"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspanevent"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

type job struct {
	Context, Condition string
	Request            json.RawMessage
}

var settings = componenttest.NewNopTelemetrySettings()

// What asks the condition about one record.
func asker[K any](parser ottl.Parser[K], err error, condition string, answers *[]string) (func(K), error) {
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseCondition(condition)
	return func(record K) {
		holds, err := parsed.Eval(context.Background(), record)
		if err != nil {
			*answers = append(*answers, "fails")
		} else {
			*answers = append(*answers, fmt.Sprint(holds))
		}
	}, err
}

func askSpans(job job, answers *[]string) error {
	parser, err := ottlspan.NewParser(ottlfuncs.StandardConverters[*ottlspan.TransformContext](), settings)
	ask, err := asker(parser, err, job.Condition, answers)
	if err != nil {
		return err
	}
	data, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(job.Request)
	for _, resource := range data.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				ask(ottlspan.NewTransformContextPtr(resource, scope, span))
			}
		}
	}
	return err
}

func askEvents(job job, answers *[]string) error {
	parser, err := ottlspanevent.NewParser(ottlfuncs.StandardConverters[*ottlspanevent.TransformContext](), settings)
	ask, err := asker(parser, err, job.Condition, answers)
	if err != nil {
		return err
	}
	data, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(job.Request)
	for _, resource := range data.ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				for _, event := range span.Events().All() {
					ask(ottlspanevent.NewTransformContextPtr(resource, scope, span, event))
				}
			}
		}
	}
	return err
}

func askLogs(job job, answers *[]string) error {
	parser, err := ottllog.NewParser(ottlfuncs.StandardConverters[*ottllog.TransformContext](), settings)
	ask, err := asker(parser, err, job.Condition, answers)
	if err != nil {
		return err
	}
	data, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(job.Request)
	for _, resource := range data.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				ask(ottllog.NewTransformContextPtr(resource, scope, record))
			}
		}
	}
	return err
}

func askMetrics(job job, answers *[]string) error {
	parser, err := ottlmetric.NewParser(ottlfuncs.StandardConverters[*ottlmetric.TransformContext](), settings)
	ask, err := asker(parser, err, job.Condition, answers)
	if err != nil {
		return err
	}
	data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(job.Request)
	for _, resource := range data.ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				ask(ottlmetric.NewTransformContextPtr(resource, scope, metric))
			}
		}
	}
	return err
}

func points(metric pmetric.Metric) (found []any) {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		for _, point := range metric.Gauge().DataPoints().All() {
			found = append(found, point)
		}
	case pmetric.MetricTypeSum:
		for _, point := range metric.Sum().DataPoints().All() {
			found = append(found, point)
		}
	case pmetric.MetricTypeHistogram:
		for _, point := range metric.Histogram().DataPoints().All() {
			found = append(found, point)
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, point := range metric.ExponentialHistogram().DataPoints().All() {
			found = append(found, point)
		}
	case pmetric.MetricTypeSummary:
		for _, point := range metric.Summary().DataPoints().All() {
			found = append(found, point)
		}
	}
	return found
}

func askPoints(job job, answers *[]string) error {
	parser, err := ottldatapoint.NewParser(ottlfuncs.StandardConverters[*ottldatapoint.TransformContext](), settings)
	ask, err := asker(parser, err, job.Condition, answers)
	if err != nil {
		return err
	}
	data, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(job.Request)
	for _, resource := range data.ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				for _, point := range points(metric) {
					ask(ottldatapoint.NewTransformContextPtr(resource, scope, metric, point))
				}
			}
		}
	}
	return err
}

var kinds = map[string]func(job, *[]string) error{
	"span": askSpans, "spanevent": askEvents, "log": askLogs, "metric": askMetrics, "datapoint": askPoints,
}

func main() {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var job job
		if err := json.Unmarshal(line, &job); err != nil {
			panic(err)
		}
		answers := []string{}
		if err := kinds[job.Context](job, &answers); err != nil {
			answers = []string{"refused"}
		}
		text, _ := json.Marshal(answers)
		fmt.Println(string(text))
	}
}
