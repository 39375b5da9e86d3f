"""Import jobs: upload, check, acceptance by two people, and the rows handed over to the services that own them.

The library `plantfiles` reads and checks the files, and writes nothing. The job keeps what lasts: the files as they
came (by SHA-256), the report, the two signatures, and block by block what was handed over (PL-29, R-35, R-62).
"""
