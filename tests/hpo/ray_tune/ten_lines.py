from ray import tune
from ray.tune.schedulers import ASHAScheduler

import search_spaces
from hpo.ray_tune import CollapseStopper, trainable

asha = ASHAScheduler(time_attr="epoch", metric="guarded_alpha", mode="max", max_t=6, grace_period=1)
tuner = tune.Tuner(
    trainable("digits", "simclr", epochs=6, image_size=8, batch_size=64),
    param_space=search_spaces.get("simclr").to_ray(),
    tune_config=tune.TuneConfig(scheduler=asha, num_samples=4),
    run_config=tune.RunConfig(stop=CollapseStopper()),
)
trials = tuner.fit().get_dataframe()
print(trials.query("moved >= 0.1").nlargest(1, "guarded_alpha").T)
