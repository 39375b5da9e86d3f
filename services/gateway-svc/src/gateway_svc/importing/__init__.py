"""Import jobs: upload, check, acceptance by two people, and the rows handed over to the services that own them.

The rules of an import are in `plantfiles`, which writes nothing. Here is what lasts: the files as they came
(by SHA-256), the report, the two signatures, and block by block what was handed over (PL-29, R-35, R-62).
"""
