"""Answers requests of /anonymize and /deanonymize, one a line, by presidio-anonymizer."""

import json
import sys

from presidio_anonymizer import AnonymizerEngine, DeanonymizeEngine
from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor as Convert

for line in sys.stdin:
    q = json.loads(line)
    if "anonymizer_results" in q:
        out = DeanonymizeEngine().deanonymize(
            text=q["text"],
            entities=Convert.deanonymize_entities_from_json(q),
            operators=Convert.operators_config_from_json(q["deanonymizers"]),
        )
    else:
        out = AnonymizerEngine().anonymize(
            text=q["text"],
            analyzer_results=Convert.analyzer_results_from_json(q["analyzer_results"]),
            operators=Convert.operators_config_from_json(q.get("anonymizers")),
        )
    print(out.to_json(), flush=True)
