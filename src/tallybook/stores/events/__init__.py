"""What every store of events shares; no engine is named here, and no driver imported.

`plan` and `facts` put questions into statements, `properties` reads what an event holds, both out
of the primitives of a `dialect`; `gather` prepares a load, `texts` writes the data it carries.
Corrections come in by `corrected`, and `standings` applies them to a question.
"""
