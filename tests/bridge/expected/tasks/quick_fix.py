# -*- coding: utf-8 -*-
# TODO(jörg): the secrets do not belong here!
from prefect import Flow, unmapped; from prefect1_rsync import CensusSyncTask, HightouchSyncTask

TRIGGER = 'https://bearer:secret-token:c4nary-census@app.getcensus.com/api/v1/syncs/52/trigger'

contacts   = CensusSyncTask( api_trigger_secret = "CENSUS_TRIGGER_URL_52" )
both = CensusSyncTask(name="both")
fire_and_forget=HightouchSyncTask(api_key_secret="HIGHTOUCH_API_KEY",
                                           sync_id = 41,
                                           wait_for_completion=False)   # nobody waits for this one

with Flow( 'quick fix' ) as flow:
    done = contacts( api_trigger_secret="CENSUS_TRIGGER_URL_52" )
    both.map( api_trigger_secret=[
        "CENSUS_TRIGGER_URL_52",   # contacts
        "CENSUS_TRIGGER_URL_53",
    ], upstream_tasks = [ unmapped(done) ] )
    fire_and_forget( )
    HightouchSyncTask( api_key_secret="HIGHTOUCH_API_KEY", wait_for_completion=False, max_wait_seconds=None )( sync_id=42,
        wait_for_completion = True, )
