"""The requirements of the product, the tests that claim them, and what each of them looks like today.

    python -m attest.requirements            print the state of each requirement
    python -m attest.requirements --write    write docs/requirements.md
    python -m attest.requirements --check    fail on a wrong file, a wrong mark, an overclaim or an old page

| module | what |
|---|---|
| `catalogue` | reads and validates `requirements/*.yaml` |
| `marks` | finds the marks `req` and `part` in the test files, without importing them |
| `rules` | what must hold between requirements, states and marks |
| `page` | the printed table and docs/requirements.md |
| `plugin` | the pytest plugin: a mark that names no requirement fails the collection |
"""
