"""Payloads with what the examples beside the specification's .proto files show (a server span, counters and histograms, log
records, events): the same fields and forms, in words of our own."""

_RESOURCE = '"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop.checkout"}}]}'
_SCOPE = '''"scope": {"name": "shop.instrumentation", "version": "2.3.4",
            "attributes": [{"key": "scope.owner", "value": {"stringValue": "payments"}}]}'''
_TIMES = '"startTimeUnixNano": "1795449600000000000", "timeUnixNano": "1795449660000000000"'
_ATTRIBUTES = '"attributes": [{"key": "shop.region", "value": {"stringValue": "north"}}]'

TRACE = f'''{{
  "resourceSpans": [{{
    {_RESOURCE},
    "scopeSpans": [{{
      {_SCOPE},
      "spans": [{{
        "traceId": "0AF7651916CD43DD8448EB211C80319C",
        "spanId": "B7AD6B7169203331",
        "parentSpanId": "B7AD6B7169203330",
        "name": "POST /orders",
        "startTimeUnixNano": "1795449600000000000",
        "endTimeUnixNano": "1795449601000000000",
        "kind": 2,
        "attributes": [
          {{"key": "order.number", "value": {{"stringValue": "A-17"}}}},
          {{"key": "order.items", "value": {{"intValue": "3"}}}}
        ]
      }}]
    }}]
  }}]
}}'''

METRICS = f'''{{
  "resourceMetrics": [{{
    {_RESOURCE},
    "scopeMetrics": [{{
      {_SCOPE},
      "metrics": [
        {{"name": "orders", "unit": "1", "description": "Orders so far",
          "sum": {{"aggregationTemporality": 1, "isMonotonic": true,
                   "dataPoints": [{{"asDouble": 5, {_TIMES}, {_ATTRIBUTES}}}]}}}},
        {{"name": "basket", "unit": "1", "description": "Items in the basket",
          "gauge": {{"dataPoints": [{{"asDouble": 10.5, "timeUnixNano": "1795449660000000000", {_ATTRIBUTES}}}]}}}},
        {{"name": "latency", "unit": "ms", "description": "How long an order takes",
          "histogram": {{"aggregationTemporality": 1,
                         "dataPoints": [{{{_TIMES}, "count": 2, "sum": 2.5, "bucketCounts": [1, 1], "explicitBounds": [1],
                                          "min": 0, "max": 2, {_ATTRIBUTES}}}]}}}},
        {{"name": "size", "unit": "By", "description": "How large an order is",
          "exponentialHistogram": {{"aggregationTemporality": 1,
                         "dataPoints": [{{{_TIMES}, "count": 3, "sum": 10, "scale": 0, "zeroCount": 1,
                                          "positive": {{"offset": 1, "bucketCounts": [0, 2]}},
                                          "min": 0, "max": 5, "zeroThreshold": 0, {_ATTRIBUTES}}}]}}}}
      ]
    }}]
  }}]
}}'''

LOGS = f'''{{
  "resourceLogs": [{{
    {_RESOURCE},
    "scopeLogs": [{{
      {_SCOPE},
      "logRecords": [{{
        "timeUnixNano": "1795449600300000000",
        "observedTimeUnixNano": "1795449600300000000",
        "severityNumber": 10,
        "severityText": "Information",
        "traceId": "0AF7651916CD43DD8448EB211C80319C",
        "spanId": "B7AD6B7169203331",
        "body": {{"stringValue": "an order came in"}},
        "attributes": [
          {{"key": "a.text", "value": {{"stringValue": "some text"}}}},
          {{"key": "a.flag", "value": {{"boolValue": true}}}},
          {{"key": "a.integer", "value": {{"intValue": "10"}}}},
          {{"key": "a.double", "value": {{"doubleValue": 637.704}}}},
          {{"key": "a.list", "value": {{"arrayValue": {{"values": [{{"stringValue": "many"}}, {{"stringValue": "values"}}]}}}}}},
          {{"key": "a.map", "value": {{"kvlistValue": {{"values": [{{"key": "its.key", "value": {{"stringValue": "its value"}}}}]}}}}}}
        ]
      }}]
    }}]
  }}]
}}'''

EVENTS = f'''{{
  "resourceLogs": [{{
    {_RESOURCE},
    "scopeLogs": [{{
      {_SCOPE},
      "logRecords": [{{
        "timeUnixNano": "1795449600300000000",
        "observedTimeUnixNano": "1795449600300000000",
        "severityNumber": 9,
        "eventName": "shop.page_loaded",
        "attributes": [{{"key": "page.kind", "value": {{"intValue": "0"}}}}],
        "body": {{"kvlistValue": {{"values": [
          {{"key": "type", "value": {{"intValue": "0"}}}},
          {{"key": "url", "value": {{"stringValue": "https://shop.example/orders"}}}},
          {{"key": "title", "value": {{"stringValue": "Orders"}}}}
        ]}}}}
      }}]
    }}]
  }}]
}}'''

EXAMPLES = {"trace": ("/v1/traces", TRACE), "metrics": ("/v1/metrics", METRICS), "logs": ("/v1/logs", LOGS), "events": ("/v1/logs", EVENTS)}
