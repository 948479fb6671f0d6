# -*- coding: utf-8 -*-
# TODO(jörg): the secrets do not belong here!
from prefect import Flow, unmapped; from prefect.tasks import census, hightouch

TRIGGER = 'https://bearer:secret-token:c4nary-census@app.getcensus.com/api/v1/syncs/52/trigger'

contacts   = census.CensusSyncTask( api_trigger = TRIGGER )
both = census.CensusSyncTask(name="both")
fire_and_forget=hightouch.HightouchRunSync('c4nary-hightouch',
                                           sync_id = 41)   # nobody waits for this one

with Flow( 'quick fix' ) as flow:
    done = contacts( api_trigger=TRIGGER )
    both.map( [
        'https://bearer:secret-token:c4nary-census@app.getcensus.com/api/v1/syncs/52/trigger',   # contacts
        "https://bearer:secret-token:c4nary-census@app.getcensus.com/api/v1/syncs/53/trigger",
    ], upstream_tasks = [ unmapped(done) ] )
    fire_and_forget( )
    hightouch.HightouchRunSync( api_key="c4nary-hightouch" )( sync_id=42,
        wait_for_completion = True, )
