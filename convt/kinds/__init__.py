"""One module for each library whose arrays convt takes and gives; `convt.core.containers` says what they have in common.

None is imported before an array of its library comes.
"""
