// The Collector's prometheusexporter as a program: its config (a JSON file, named as the argument) says where it listens.
// On stdin come OTLP requests, each behind its length (4 bytes, the highest first); a line on stdout answers each, with
// "ok" or what was wrong. It ends with stdin.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func start(path string) (exporter.Metrics, error) {
	var raw map[string]any
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &raw)
	}
	if err != nil {
		return nil, err
	}
	factory := prometheusexporter.NewFactory()
	config := factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(raw).Unmarshal(config); err != nil {
		return nil, err
	}
	if checked, ok := config.(interface{ Validate() error }); ok {
		if err := checked.Validate(); err != nil {
			return nil, err
		}
	}
	settings := exportertest.NewNopSettings(component.MustNewType("prometheus"))
	made, err := factory.CreateMetrics(context.Background(), settings, config)
	if err != nil {
		return nil, err
	}
	return made, made.Start(context.Background(), componenttest.NewNopHost())
}

func take(made exporter.Metrics, request []byte) error {
	decoder := pmetric.ProtoUnmarshaler{}
	metrics, err := decoder.UnmarshalMetrics(request)
	if err != nil {
		return err
	}
	return made.ConsumeMetrics(context.Background(), metrics)
}

func main() {
	made, err := start(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
	for {
		var head [4]byte
		if _, err := io.ReadFull(os.Stdin, head[:]); err != nil {
			return
		}
		request := make([]byte, binary.BigEndian.Uint32(head[:]))
		if _, err := io.ReadFull(os.Stdin, request); err != nil {
			return
		}
		if err := take(made, request); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
}
