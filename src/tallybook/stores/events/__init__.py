"""What every store of events shares; no engine is named here, and no driver imported.

`answers` is what a store does with a question. `plan`, `pieces`, `rises` and `facts` put it into a
statement, and `properties` reads what an event holds, all out of the primitives of a `dialect`;
`gather` prepares a load, `texts` writes the data it carries. Corrections come in by `corrected`,
and `standings` applies them to a question.
"""
