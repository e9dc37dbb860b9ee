"""What `synctl serve` serves: REST, live events, metrics and a page. An optional extra: starlette and uvicorn.

It calls the functions that the commands call, so both do and say the same. Only `cli/serve.py` imports it.
"""
