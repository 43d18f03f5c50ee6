"""A search of hyper-parameters: students trained under one finished teacher, judged on the validation split alone."""
