"""A study that somebody can start from: shown by the command line and on the page; imports nothing."""

EXAMPLE = """name: which teacher
base: {data: {kind: phantom, n_patients: 400, image_size: 64}}   # settings of every run, or the id of a run
teachers: [densenet121, {teacher_arch: visformer_small, teacher_train: {epochs: 8}}]
students: [eeea_net_c2]
objectives: [paper, {name: bkd, temperature: 4}]
seeds: [0, 1, 2]
"""
